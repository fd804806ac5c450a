"""A stream whose pictures change their size, and streams of different sizes, at every node."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch

from videoflow.data import Detections, Frame, HeatMap, Segmentation, Stamp, Tracks
from videoflow.errors import ConfigError
from videoflow.processors import (
    FaceBlurrer,
    LineCounter,
    ObjectDetector,
    SceneAnnotator,
    SpeedEstimator,
    ZoneCounter,
)
from videoflow.vision.style import Style

WIDE, TALL = (96, 128), (160, 120)


def frame(index: int = 0, size_hw: tuple[int, int] = WIDE, stream: str = "door") -> Frame:
    """Return a frame of noise, so that what is drawn or hidden shows."""
    height, width = size_hw
    noise = torch.randint(0, 255, (height * 3 // 2, width), dtype=torch.uint8)
    return Frame(noise, Stamp(stream, index, index / 10, size_hw))


def person(index: int, size_hw: tuple[int, int], *, foot_y: float) -> Tracks:
    box = np.array([[20, foot_y - 30, 40, foot_y]], np.float32)
    stamp = Stamp("door", index, index / 10, size_hw)
    one = np.ones(1, np.float32)
    return Tracks(stamp, np.array([1]), box, one, np.zeros(1, np.int64))


def walk(size_hw: tuple[int, int], *, begin: int) -> list[Tracks]:
    """Return a person's way from the upper rim to the lower, in eight frames."""
    ways = np.linspace(0.1, 0.9, 8)
    return [
        person(begin + step, size_hw, foot_y=float(way * size_hw[0]))
        for step, way in enumerate(ways)
    ]


def test_the_line_of_nobody_lies_across_every_picture() -> None:
    """Without lines, a walk over the middle of either size counts once, and totals go on."""
    counter = LineCounter()
    state = counter.make_state("door")

    counts = [
        counter.process(state, tracks)
        for tracks in [*walk(WIDE, begin=0), *walk(TALL, begin=8)]
    ]

    assert counts[7] is not None
    assert counts[-1] is not None
    assert counts[7].totals["line"].into == 1
    assert counts[-1].totals["line"].into == 2
    assert counts[-1].lines["line"].end == (120.0, 80.0)


def test_the_zone_of_nobody_is_every_picture() -> None:
    """Without zones, who is in the picture stays in it when it grows, and nobody leaves."""
    counter = ZoneCounter()
    state = counter.make_state("door")

    counts = [
        counter.process(state, person(index, size, foot_y=size[0] - 1))
        for index, size in enumerate([WIDE] * 4 + [(960, 1280)] * 8)
    ]

    assert counts[-1] is not None
    assert counts[-1].totals["picture"].occupancy == 1
    assert counts[-1].totals["picture"].exits == 0


@pytest.mark.parametrize(
    "node",
    [
        pytest.param(LineCounter((0, 50), (100, 50), name="count"), id="lines"),
        pytest.param(
            ZoneCounter(zones={"till": [(0, 0), (50, 0), (50, 50)]}, name="count"), id="zones"
        ),
        pytest.param(
            SpeedEstimator(
                [(0, 0), (90, 0), (90, 90), (0, 90)],
                [(0, 0), (1, 0), (1, 1), (0, 1)],
                name="count",
            ),
            id="floor",
        ),
    ],
)
def test_places_in_pixels_want_pictures_of_one_size(node: Any) -> None:
    """The message says what came and what to do; another stream may have another size."""
    state, other = node.make_state("door"), node.make_state("hall")
    node.process(state, person(0, WIDE, foot_y=50))

    node.process(other, person(0, TALL, foot_y=50))
    with pytest.raises(
        ConfigError, match="'count', stream 'door', frame 1: got a picture of 120 x 160, want"
    ) as caught:
        node.process(state, person(1, TALL, foot_y=50))

    assert "ResizeTransformer((96, 128))" in str(caught.value.help)


def test_faces_of_another_size_are_nowhere() -> None:
    """After a change of size the whole picture is hidden until somebody has looked again."""
    node = FaceBlurrer(region="box")
    state = node.make_state("door")
    sizes = [WIDE, WIDE, TALL, TALL]
    nobody = Detections.empty(Stamp("door", 3, 0.3, TALL))
    looks: list[Any] = [person(0, WIDE, foot_y=50), None, None, nobody]

    shares = []
    for index, (size, look) in enumerate(zip(sizes, looks, strict=True)):
        picture = frame(index, size)
        hidden = node.process(state, picture, look).pixels
        shares.append(float((hidden != picture.pixels).float().mean()))

    assert 0 < shares[0] <= shares[1] < 0.5
    assert shares[2] > 0.9
    assert shares[3] == 0


@pytest.mark.parametrize(
    "words",
    [
        pytest.param([person(0, WIDE, foot_y=50)], id="tracks"),
        pytest.param(
            [HeatMap(Stamp("door", 0, 0, WIDE), np.ones((6, 8), np.float32), 16)], id="heat"
        ),
        pytest.param(
            [Segmentation(Stamp("door", 0, 0, WIDE), np.ones(WIDE, np.uint8))],
            id="segmentation",
        ),
    ],
)
def test_what_was_said_of_another_size_is_not_drawn(words: Sequence[Any]) -> None:
    """The last word stands for pictures of its size only."""
    node = SceneAnnotator()
    state = node.make_state("door")
    first, second, third = frame(0), frame(1), frame(2, TALL)

    drawn = [
        node.process(state, first, *words),
        node.process(state, second, None),
        node.process(state, third, None),
    ]

    assert not torch.equal(drawn[0].pixels, first.pixels)
    assert not torch.equal(drawn[1].pixels, second.pixels)
    assert torch.equal(drawn[2].pixels, third.pixels)


def test_a_trail_begins_again_with_the_size() -> None:
    """Where a track was in the other size is no part of its way."""
    node = SceneAnnotator(layers=["trails"], style=Style(trail_seconds=1.0))
    state = node.make_state("door")
    picture = frame(2, TALL)

    node.process(state, frame(0), person(0, WIDE, foot_y=50))
    node.process(state, frame(1), person(1, WIDE, foot_y=90))
    drawn = node.process(state, picture, person(2, TALL, foot_y=150))

    assert torch.equal(drawn.pixels, picture.pixels)


def test_a_batch_of_sizes_is_as_each_alone(weights: Any) -> None:
    """A detector finds in frames of different sizes, in one batch, what it finds one by one."""
    frames = [frame(0), frame(0, TALL, "hall"), frame(1, (64, 64))]
    for model in ("hog_walkers", "yolox_nano"):
        node = ObjectDetector(model, score_threshold=0.01, num_threads=1, device="cpu")
        node.open()

        together = node.process_batch(frames)
        alone = [node.process_batch([one])[0] for one in frames]
        node.close()

        for one, other in zip(together, alone, strict=True):
            assert one.stamp == other.stamp
            np.testing.assert_allclose(one.boxes_xyxy, other.boxes_xyxy, atol=1e-2)
