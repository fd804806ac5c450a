from __future__ import annotations

import subprocess
import sys

import pytest
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


@pytest.mark.parametrize("num", [1, 300, 1500])
def test_the_rows_are_those_of_the_library(num: int) -> None:
    """Few boxes or many: what stays is what torchvision's own function keeps, in its order."""
    from torchvision.ops import batched_nms

    random = torch.Generator().manual_seed(num)
    corners = 200 * torch.rand((num, 2), generator=random)
    boxes = torch.cat([corners, corners + 5 + 40 * torch.rand((num, 2), generator=random)], 1)
    scores = torch.randperm(num, generator=random) / num  # no two are equal
    labels = torch.randint(0, 5, (num,), generator=random)

    kept = suppress_overlaps(boxes, scores, labels, iou_threshold=0.5)

    assert kept.tolist() == batched_nms(boxes - boxes.min(), scores, labels, 0.5).tolist()


def test_what_detects_pays_for_no_compiler() -> None:
    """A process that loads a detector imports neither torchvision nor PyTorch's compiler."""
    program = (
        "import sys, videoflow.nets.load, videoflow.nets.yolox\n"
        "print({'torchvision', 'torch._dynamo'} & set(sys.modules))"
    )

    answer = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )

    assert answer.stdout == "set()\n"
