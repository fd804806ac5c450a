"""A detector that looks at some frames, and a tracker that goes on between them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from videoflow.consumers import VoidConsumer
from videoflow.core import Flow, IterableProducer
from videoflow.data import Frame, Stamp
from videoflow.processors import ByteTracker, ObjectDetector

NUM_FRAMES = 13


def frames() -> list[Frame]:
    """A bright box that goes two pixels to the right in each frame."""
    made = []
    for index in range(NUM_FRAMES):
        pixels = torch.full((3, 64, 64), 51, dtype=torch.uint8)
        pixels[:, 16:48, 4 + 2 * index : 24 + 2 * index] = 204
        made.append(Frame(pixels, Stamp("camera", index, index / 10, (64, 64)), "rgb"))
    return made


@pytest.mark.parametrize("every", [1, 4])
def test_tracker_goes_on_between_the_frames_that_are_looked_at(every: int) -> None:
    """Each frame has its track, one and the same, at its place or where it is expected."""
    read = IterableProducer(frames())
    detect = ObjectDetector(
        "tests.nets.own_models:build_network", every=every, max_batch_size=2, device="cpu"
    )(read)
    track = ByteTracker()(detect, read)
    flow = Flow([read], [VoidConsumer()(track)])

    tracks = list(flow.stream(track))
    report = flow.join(60)

    assert report.streams[0].num_delivered == NUM_FRAMES
    assert [one.stamp.index for one in tracks] == list(range(NUM_FRAMES))
    assert {tuple(one.ids.tolist()) for one in tracks} == {(1,)}
    left = np.array([one.boxes_xyxy[0, 0] for one in tracks])
    seen = np.arange(0, NUM_FRAMES, every)
    np.testing.assert_allclose(left[seen], 4 + 2 * seen, atol=1)
    late = np.arange(NUM_FRAMES) >= 2 * 4  # by then it has seen how fast the box goes
    np.testing.assert_allclose(left[late], (4 + 2 * np.arange(NUM_FRAMES))[late], atol=2)
