from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F
from torchvision.transforms._presets import SemanticSegmentation

from tests.nets.torchvision.reference import Painter, build_reference, frames_of
from videoflow.nets.card import InputContract
from videoflow.nets.segmenter import Segmenter
from videoflow.nets.torchvision.factories import make_batched

LABELS = tuple("abcdefg")
SIZE = 64
CONTRACT = InputContract(
    channels="rgb",
    fit="short_side",
    size=SIZE,
    has_low_pass=True,
    mean=(0.485, 0.456, 0.406),
    std=(0.229, 0.224, 0.225),
    pad_value=0,
)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("deeplabv3_resnet50", marks=pytest.mark.exhaustive),
        pytest.param("deeplabv3_resnet101", marks=pytest.mark.exhaustive),
        "deeplabv3_mobilenet_v3_large",
        "fcn_resnet50",
        pytest.param("fcn_resnet101", marks=pytest.mark.exhaustive),
        "lraspp_mobilenet_v3_large",
    ],
)
@torch.inference_mode()
def test_every_pixel_gets_the_class_that_torchvision_gives(name: str, paint: Painter) -> None:
    """With the weights' own preprocessing, class maps of a batch of mixed sizes are equal."""
    options = {} if "lraspp" in name else {"aux_loss": True}
    reference: Any = build_reference(
        name, num_pictures=2, num_classes=len(LABELS), **options
    ).double()
    ours: Any = make_batched(copy.deepcopy(reference))
    segmenter = Segmenter(
        ours,
        labels=LABELS,
        contract=CONTRACT,
        input_size=SIZE,
        device=torch.device("cpu"),
        dtype=torch.float64,
    )
    pictures = [paint(96, 128), paint(130, 90), paint(96, 128)]

    got = segmenter.segment(frames_of(pictures))

    for found, picture in zip(got, pictures, strict=True):
        want = _ask_reference(reference, picture)
        assert len(np.unique(found.class_map)) > 1
        np.testing.assert_array_equal(found.class_map, want.numpy())
    assert segmenter.segment([]) == []


def _ask_reference(model: Any, picture: Tensor) -> Tensor:
    """Return torchvision's class map, stretched to the picture, int64 ``[H, W]``."""
    prepared = SemanticSegmentation(resize_size=SIZE)(picture)
    classes = model(prepared[None].double())["out"].argmax(1, keepdim=True)
    size_hw = (picture.shape[1], picture.shape[2])
    return F.interpolate(classes.double(), size_hw, mode="nearest-exact")[0, 0].long()
