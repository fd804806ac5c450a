from __future__ import annotations

import pytest

from videoflow.video.pace import Pacer


class FakeTime:
    """A clock that only sleeping and the test move on."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.naps: list[float] = []

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.now += seconds


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def pacer(time: FakeTime) -> Pacer:
    return Pacer(clock=time.clock, sleep=time.sleep)


def test_frames_come_at_their_distances(time: FakeTime, pacer: Pacer) -> None:
    """The first is due at once, whatever its timestamp; the others as far apart as recorded."""
    for pts_seconds in (8.0, 8.1, 8.4):
        pacer.wait_until(pts_seconds)

    assert time.naps == pytest.approx([0.1, 0.3])


def test_time_spent_elsewhere_is_not_waited_again(time: FakeTime, pacer: Pacer) -> None:
    """Decoding takes its time out of the wait; a late frame goes on at once."""
    pacer.wait_until(0.0)
    time.now += 0.06
    pacer.wait_until(0.1)
    time.now += 0.3
    pacer.wait_until(0.2)
    pacer.wait_until(0.6)

    assert time.naps == pytest.approx([0.04, 0.2])


@pytest.mark.parametrize("jump", [3600.0, -3600.0])
def test_a_cut_in_the_recording_is_not_waited_for(
    time: FakeTime, pacer: Pacer, jump: float
) -> None:
    """After a jump the timetable begins anew."""
    for pts_seconds in (0.0, jump, jump + 0.1):
        pacer.wait_until(pts_seconds)

    assert time.naps == pytest.approx([0.1])


def test_a_reader_that_was_held_up_does_not_rush(time: FakeTime, pacer: Pacer) -> None:
    """After a pause of the flow, frames come at their own speed again."""
    pacer.wait_until(0.0)
    time.now += 30.0
    for pts_seconds in (0.1, 0.2, 0.3):
        pacer.wait_until(pts_seconds)

    assert time.naps == pytest.approx([0.1, 0.1])
