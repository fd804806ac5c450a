"""Drawn people as a stream."""

from __future__ import annotations

import pickle

import pytest
import torch

from tests.producers.test_video_file_reader import frames_of
from videoflow.errors import FlowStateError
from videoflow.producers import WalkersProducer


def test_frames_are_those_of_the_film() -> None:
    """It sends every frame of its film as NV12, with the film's times, and then ends."""
    walkers = WalkersProducer(seed=2, seconds=4, fps=1, stream="square")
    walkers.open()

    frames = frames_of(walkers)

    assert len(frames) == walkers.num_items == 4
    assert [(f.stream, f.index, f.pts_seconds, f.layout) for f in frames] == [
        ("square", index, float(index), "nv12") for index in range(4)
    ]
    drawn = torch.from_numpy(walkers.film.picture(2)).permute(2, 0, 1)
    assert (frames[2].rgb().int() - drawn).abs().float().mean() < 3
    walkers.close()


def test_travels_to_a_worker_and_begins_anew() -> None:
    """A copy has the same frames and the same truth, and open() goes back to the first."""
    walkers = WalkersProducer(seed=5, seconds=4, fps=1)
    walkers.open()
    first = walkers.next()
    walkers.open()

    copy: WalkersProducer = pickle.loads(pickle.dumps(walkers))

    assert copy.truth == walkers.truth
    assert torch.equal(copy.next().buffer, first.buffer)


def test_is_not_asked_before_it_is_open() -> None:
    """A frame of a node that is not open is an error that says so."""
    with pytest.raises(FlowStateError, match="is not open"):
        WalkersProducer().next()
