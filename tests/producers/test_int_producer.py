from __future__ import annotations

from typing import Any

import pytest

from videoflow.errors import GraphError
from videoflow.producers import IntProducer


def read_all(producer: IntProducer) -> list[int]:
    producer.open()
    numbers = []
    while True:
        try:
            numbers.append(producer.next())
        except StopIteration:
            return numbers


@pytest.mark.parametrize(
    ("start", "end", "want"),
    [
        pytest.param(5, 4, [], id="empty"),
        pytest.param(5, 5, [5], id="one"),
        pytest.param(0, 3, [0, 1, 2, 3], id="both-ends-included"),
        pytest.param(-2, 1, [-2, -1, 0, 1], id="negative"),
    ],
)
def test_yields_from_start_to_end_included(start: int, end: int, want: list[int]) -> None:
    """The producer yields every int from start to end, both included, and says how many."""
    producer = IntProducer(start, end)

    assert read_all(producer) == want
    assert producer.num_items == len(want)


def test_never_ends_without_an_end() -> None:
    """Without an end the numbers go on, and nobody knows how many there will be."""
    producer = IntProducer(7)
    producer.open()

    assert [producer.next() for _ in range(4)] == [7, 8, 9, 10]
    assert producer.num_items is None


def test_opening_again_starts_again() -> None:
    """A second run of a flow reads the same numbers as the first."""
    producer = IntProducer(1, 3)

    assert read_all(producer) == read_all(producer) == [1, 2, 3]


class FakeTime:
    """A clock that moves when somebody sleeps, or when a test says so."""

    def __init__(self) -> None:
        self.now = 100.0
        self.sleeps: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeTime:
    fake = FakeTime()
    monkeypatch.setattr("videoflow.producers.int_producer.time", fake)
    return fake


def test_waits_before_each_item(clock: FakeTime) -> None:
    """wait_time_in_seconds is a pause before each item and none at the end."""
    read_all(IntProducer(0, 2, 0.25))

    assert clock.sleeps == [0.25, 0.25, 0.25]


def test_fps_keeps_a_rate_not_a_pause(clock: FakeTime) -> None:
    """With fps, an item that came late shortens the wait of the next ones."""
    producer = IntProducer(0, fps=4)
    producer.open()

    times = []
    for busy_seconds in (0.0, 0.125, 0.5, 0.0):
        producer.next()
        times.append(clock.now - 100.0)
        clock.now += busy_seconds

    assert times == [0.0, 0.25, 0.5, 1.0]
    assert clock.sleeps == [0.25, 0.125]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"wait_time_in_seconds": -1}, "want >= 0", id="negative-wait"),
        pytest.param({"fps": 0}, "want > 0 or None", id="no-rate"),
        pytest.param({"fps": 5, "wait_time_in_seconds": 1}, "want one of them", id="both"),
        pytest.param({"speed": 5}, "unknown option 'speed'", id="unknown"),
    ],
)
def test_refuses_what_makes_no_sense(options: dict[str, Any], message: str) -> None:
    """A wrong argument is refused when the node is made."""
    with pytest.raises(GraphError, match=message):
        IntProducer(0, 10, **options)
