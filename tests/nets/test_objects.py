from __future__ import annotations

import numpy as np
import pytest
import torch

from videoflow.data import Stamp
from videoflow.nets.letterbox import Letterbox
from videoflow.nets.objects import Objects, split_objects

SIZE_HW = (48, 64)
FIT = Letterbox(SIZE_HW, (24, 32), (32, 32))  # half as large, padded below


def _objects(image: list[int]) -> Objects:
    """Return one object for each entry, all in one place, with keypoints and a mask."""
    num = len(image)
    return Objects(
        torch.tensor(image, dtype=torch.int64),
        torch.tensor([[2.0, 4.0, 10.0, 12.0]]).expand(num, 4),
        torch.linspace(0.9, 0.5, num),
        torch.arange(num),
        keypoints=torch.tensor([[[3.0, 5.0, 0.7], [9.0, 11.0, 0.6]]]).expand(num, 2, 3),
        mask_scores=None,
    )


@pytest.mark.parametrize(
    "image",
    [
        pytest.param([], id="empty"),
        pytest.param([1], id="one"),
        pytest.param([0, 0, 2], id="none in the middle"),
    ],
)
def test_each_frame_gets_its_own_rows(image: list[int]) -> None:
    """Frames without an object get no rows, whatever their neighbours have."""
    stamps = [Stamp("door", at, 0.0, SIZE_HW) for at in range(3)]

    found = split_objects(_objects(image), stamps=stamps, letterboxes=[FIT] * 3)

    assert [len(one) for one in found] == [image.count(at) for at in range(3)]
    assert [one.stamp for one in found] == stamps
    for one in found:
        assert one.keypoints is not None
        assert one.keypoints.shape == (len(one), 2, 3)
    rows = np.concatenate([one.labels for one in found])
    assert rows.tolist() == list(range(len(image)))


def test_boxes_and_keypoints_are_in_pixels_of_the_frame() -> None:
    """What was found in a picture of half the size is twice as far from the corner."""
    (found,) = split_objects(
        _objects([0]), stamps=[Stamp("door", 0, 0.0, SIZE_HW)], letterboxes=[FIT]
    )

    assert found.boxes_xyxy.tolist() == [[4, 8, 20, 24]]
    assert found.keypoints is not None
    np.testing.assert_allclose(found.keypoints, [[[6, 10, 0.7], [18, 22, 0.6]]], rtol=1e-6)


@pytest.mark.parametrize("image", [[], [1], [0, 2]], ids=["empty", "one", "many"])
def test_masks_are_at_the_size_of_the_frame(image: list[int]) -> None:
    """A mask covers its box in the frame, also where neighbours have none."""
    objects = _objects(image)._replace(
        keypoints=None, mask_scores=torch.ones(len(image), 28, 28)
    )
    stamps = [Stamp("door", at, 0.0, SIZE_HW) for at in range(3)]

    found = split_objects(objects, stamps=stamps, letterboxes=[FIT] * 3)

    for at, one in enumerate(found):
        assert one.masks is not None
        assert one.masks.dense().shape == (image.count(at), *SIZE_HW)
        assert one.masks.dense()[:, 9:23, 5:19].all()
        assert not one.masks.dense()[:, 26:].any()
