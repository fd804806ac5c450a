from __future__ import annotations

import torch

from videoflow.nets.torchvision.overlaps import suppress_overlaps


def _kept(boxes: list[list[float]], scores: list[float], labels: list[int]) -> list[int]:
    return suppress_overlaps(
        torch.tensor(boxes), torch.tensor(scores), torch.tensor(labels), iou_threshold=0.5
    ).tolist()


def test_better_of_two_overlapping_boxes_stays() -> None:
    """Of two boxes that are one object, the better stays; the result is best first."""
    boxes = [[0.0, 0, 10, 10], [0.0, 0, 10, 9], [50.0, 50, 60, 60]]

    assert _kept(boxes, [0.5, 0.9, 0.7], [0, 0, 0]) == [1, 2]


def test_boxes_of_two_classes_never_suppress_each_other() -> None:
    """Classes are apart, also where boxes reach over the picture's upper left corner."""
    same = [-20.0, -20.0, 10.0, 10.0]

    assert _kept([same, same], [0.5, 0.9], [0, 1]) == [1, 0]
    # moved right by one class's width, the second would lie on the first
    assert _kept([[-11.0, 0, -1, 10], [0.0, 0, 10, 10]], [0.5, 0.9], [1, 0]) == [1, 0]


def test_no_boxes_stay_no_boxes() -> None:
    """Nothing in, nothing out."""
    empty = suppress_overlaps(
        torch.zeros(0, 4), torch.zeros(0), torch.zeros(0, dtype=torch.int64), iou_threshold=0.5
    )

    assert empty.dtype == torch.int64
    assert len(empty) == 0
