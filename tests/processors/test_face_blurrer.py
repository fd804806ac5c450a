from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from tests.pictures import as_nv12, as_rgb, noisy_picture
from videoflow.data import Detections, Frame, Stamp
from videoflow.errors import GraphError
from videoflow.processors import FaceBlurrer

PICTURE = noisy_picture((96, 128))


def _stamp(index: int) -> Stamp:
    return Stamp("camera", index, index / 10, (96, 128))


def _person(index: int) -> Detections:
    box = np.array([[21, 11, 51, 91]], np.float32)
    return Detections(_stamp(index), box, np.ones(1, np.float32), np.zeros(1, np.int64))


@pytest.mark.parametrize("as_layout", [as_rgb, as_nv12])
def test_the_head_is_hidden_and_the_rest_of_the_frame_is_as_it_was(as_layout: Any) -> None:
    """A new frame of the same stamp and layout comes out; the one that came in stays."""
    frame: Frame = as_layout(PICTURE, _stamp(3))
    before = frame.buffer.clone()
    node = FaceBlurrer(margin=0)

    out = node.process(node.make_state("camera"), frame, _person(3))

    assert (out.stamp, out.layout, out.color) == (frame.stamp, frame.layout, frame.color)
    assert torch.equal(frame.buffer, before)
    changed = (out.rgb() != frame.rgb()).any(dim=0)
    assert changed[10:36, 20:52].float().mean() > 0.95  # 30 % of 80, outwards to even pixels
    changed[10:36, 20:52] = False
    assert not changed.any()


def test_no_frame_shows_a_face_that_was_known() -> None:
    """Before a look, without a look and after a miss, the head is hidden."""
    node = FaceBlurrer()
    state = node.make_state("camera")
    nobody = Detections.empty(_stamp(3))
    inputs = [None, _person(1), None, nobody]

    for index, people in enumerate(inputs):
        frame = as_nv12(PICTURE, _stamp(index))
        out = node.process(state, frame, people)
        changed = out.buffer != frame.buffer

        assert changed[12:34, 22:50].float().mean() > 0.95, index


def test_streams_know_their_own_faces() -> None:
    """A face of one stream hides nothing in another."""
    node = FaceBlurrer()
    first, second = (node.make_state(name) for name in ("first", "second"))
    frame = as_rgb(PICTURE, _stamp(0))
    node.process(first, frame, _person(0))

    out = node.process(second, frame, Detections.empty(_stamp(0)))

    assert torch.equal(out.buffer, frame.buffer)


def test_closed_node_travels() -> None:
    """A node goes to its worker with all its options."""
    copy = pickle.loads(pickle.dumps(FaceBlurrer(region="box", method="smooth", num_cells=3)))

    assert (copy.region, copy.method, copy.num_cells) == ("box", "smooth", 3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(
            {"region": "face"}, "got region='face', want 'auto' or 'head'", id="region"
        ),
        pytest.param({"method": "gauss"}, "got method='gauss', want 'pixelate'", id="method"),
        pytest.param({"num_cells": 0}, "got num_cells=0, want an int >= 1", id="cells"),
        pytest.param({"margin": -0.1}, "got margin=-0.1, want 0 or more", id="margin"),
        pytest.param({"hold_seconds": float("inf")}, "got hold_seconds=inf", id="hold"),
        pytest.param({"growth_per_second": float("nan")}, "got growth_per", id="growth"),
    ],
)
def test_values_that_make_no_sense_are_refused_at_once(
    arguments: dict[str, Any], message: str
) -> None:
    """A wrong value is refused where it is written."""
    with pytest.raises(GraphError, match=message):
        FaceBlurrer(**arguments)


@pytest.mark.parametrize(
    ("swap", "message"),
    [
        pytest.param(lambda frame, people: (people, frame), "0: got Detections", id="swapped"),
        pytest.param(lambda frame, _: (frame, frame), "1: got Frame", id="two frames"),
        pytest.param(lambda frame, _: (frame,), "1: got nothing", id="no people"),
    ],
)
def test_wrong_inputs_are_named(swap: Callable[..., tuple[Any, ...]], message: str) -> None:
    """Who wired it wrongly is told which input is what, and how it is wired."""
    stamp = Stamp("cam", 0, 0.0, (48, 64))
    frame = Frame(torch.zeros((72, 64), dtype=torch.uint8), stamp)
    node = FaceBlurrer()

    with pytest.raises(GraphError, match=f"input {message}.*\n  help: FaceBlurrer"):
        node.process(node.make_state("cam"), *swap(frame, Detections.empty(stamp)))
