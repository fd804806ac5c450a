from __future__ import annotations

import torch

from videoflow.data.color import split_nv12
from videoflow.data.planes import pad_to_even, resize_nv12


def test_resized_planes_keep_their_place() -> None:
    """A picture that is dark on the left and bright on the right still is, in each plane."""
    planes = torch.zeros(2, 12, 16, dtype=torch.uint8)
    luma, chroma = split_nv12(planes)
    luma[..., 8:] = 200
    chroma[:, 0, :, 4:] = 90
    chroma[:, 1, :, :4] = 70

    small = resize_nv12(planes, (4, 8))

    luma, chroma = split_nv12(small)
    assert small.shape == (2, 6, 8)
    assert luma[0, 0, 0, [0, -1]].tolist() == [0, 200]
    assert chroma[1, 0, 0, [0, -1]].tolist() == [0, 90]
    assert chroma[1, 1, 0, [0, -1]].tolist() == [70, 0]


def test_odd_sides_grow_by_their_own_border() -> None:
    """The last row and column are repeated; an even picture is handed back as it is."""
    odd = torch.arange(9, dtype=torch.uint8).view(1, 1, 3, 3)

    even = pad_to_even(odd)

    assert even[0, 0].tolist() == [[0, 1, 2, 2], [3, 4, 5, 5], [6, 7, 8, 8], [6, 7, 8, 8]]
    assert pad_to_even(even) is even
