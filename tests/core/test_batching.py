from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from videoflow.core.batching import (
    Batcher,
    BatchPolicy,
    ClockBatcher,
    FixedOrderBatcher,
    Turn,
    halves,
)
from videoflow.errors import GraphError

Key = tuple[int, int]


def always() -> bool:
    return True


def never() -> bool:
    return False


def turn(lane: int, seq: int, *, is_marker: bool = False, entered: float = 0.0) -> Turn:
    return Turn(lane, seq, f"{lane}/{seq}", is_marker, entered)


def policy(size: int, turns: int | None = None, **limits: float | int | None) -> BatchPolicy:
    return BatchPolicy(size, turns or 2 * size, **limits)  # type: ignore[arg-type] # by name


def keys(turns: Sequence[Turn]) -> list[Key]:
    return [(one.lane, one.seq) for one in turns]


def take_all(
    batcher: Batcher, now: float = 0.0, may_more_come: Callable[[], bool] = always
) -> list[list[Key]]:
    """Return all batches that are ready."""
    batches = []
    while batch := batcher.take(now, may_more_come=may_more_come):
        batches.append(keys(batch))
    return batches


@pytest.mark.parametrize(
    ("size", "turns"),
    [
        pytest.param(0, 1, id="no-items"),
        pytest.param(4, 3, id="fewer-turns-than-items"),
    ],
)
def test_policy_refuses_sizes_that_contradict_each_other(size: int, turns: int) -> None:
    """A policy that no batch could keep is refused, with what came and what is wanted."""
    with pytest.raises(GraphError) as refused:
        BatchPolicy(size, turns)

    assert str(refused.value) == (
        f"got max_batch_size={size}, max_turns={turns}, want 1 <= max_batch_size <= max_turns"
    )


@pytest.mark.parametrize(
    ("num_frames", "want"),
    [
        pytest.param(0, [], id="empty"),
        pytest.param(1, [[0]], id="one"),
        pytest.param(3, [[0, 1, 2]], id="full"),
        pytest.param(7, [[0, 1, 2], [3, 4, 5], [6]], id="last-partial"),
    ],
)
def test_fixed_order_is_partial_only_at_the_end(num_frames: int, want: list[list[int]]) -> None:
    """Of one lane each batch is full, and the last one holds what is left."""
    batcher = FixedOrderBatcher(policy(3), num_lanes=1)
    for seq in range(num_frames):
        batcher.offer(turn(0, seq))
    before_the_end = take_all(batcher)

    batcher.end(0)

    batches = before_the_end + take_all(batcher)
    assert [[seq for _, seq in batch] for batch in batches] == want
    assert all(len(batch) == 3 for batch in before_the_end)


def test_fixed_order_lanes_take_turns_by_index() -> None:
    """Streams take turns by index, however their frames arrived."""
    batcher = FixedOrderBatcher(policy(4), num_lanes=3)
    for lane in (2, 0, 1):
        for seq in range(2):
            batcher.offer(turn(lane, seq))
    for lane in range(3):
        batcher.end(lane)

    batches = take_all(batcher)

    assert batches == [[(0, 0), (1, 0), (2, 0), (0, 1)], [(1, 1), (2, 1)]]


def test_fixed_order_waits_for_the_lane_whose_turn_it_is() -> None:
    """Nothing is taken past a lane that still may have something, whatever waits behind it."""
    batcher = FixedOrderBatcher(policy(2), num_lanes=2)
    for seq in range(5):
        batcher.offer(turn(1, seq))

    assert take_all(batcher) == []
    assert batcher.due_seconds() is None

    batcher.offer(turn(0, 0))

    assert take_all(batcher) == [[(0, 0), (1, 0)]]


def test_fixed_order_passes_over_lanes_that_have_ended() -> None:
    """A lane that has ended is passed over, also one that never had a frame."""
    batcher = FixedOrderBatcher(policy(2), num_lanes=3)
    batcher.end(0)
    batcher.offer(turn(1, 0))
    batcher.end(1)
    for seq in range(3):
        batcher.offer(turn(2, seq))

    batches = take_all(batcher)

    assert batches == [[(1, 0), (2, 0)], [(2, 1), (2, 2)]]


def test_fixed_order_markers_take_their_turn_and_no_place() -> None:
    """A frame that was given up keeps its turn in the order and no place in the batch."""
    batcher = FixedOrderBatcher(policy(2, turns=10), num_lanes=1)
    for seq in range(5):
        batcher.offer(turn(0, seq, is_marker=seq in (0, 2)))

    batches = take_all(batcher)

    assert batches == [[(0, 0), (0, 1), (0, 2), (0, 3)]]


def test_fixed_order_closes_after_max_turns() -> None:
    """A batch is closed after so many turns, however few of them hold items."""
    batcher = FixedOrderBatcher(policy(2, turns=3), num_lanes=1)
    for seq in range(7):
        batcher.offer(turn(0, seq, is_marker=True))

    assert take_all(batcher) == [[(0, 0), (0, 1), (0, 2)], [(0, 3), (0, 4), (0, 5)]]


@st.composite
def arrivals(draw: st.DrawFn) -> tuple[list[list[bool]], list[tuple[str, int]], int]:
    """Draw lanes (for each frame: is it a marker) and an interleaving of their arrivals."""
    lanes = draw(st.lists(st.lists(st.booleans(), max_size=8), min_size=1, max_size=4))
    events = [("offer", lane) for lane, frames in enumerate(lanes) for _ in frames]
    order = draw(st.permutations(events))
    ends = draw(st.permutations(range(len(lanes))))
    mixed = list(order)
    for lane in ends:
        last = max((i for i, (_, at) in enumerate(mixed) if at == lane), default=-1)
        mixed.insert(draw(st.integers(last + 1, len(mixed))), ("end", lane))
    return lanes, mixed, draw(st.integers(1, 5))


def play(
    batcher: Batcher,
    lanes: list[list[bool]],
    events: list[tuple[str, int]],
    *,
    may_more_come: Callable[[], bool] = always,
) -> list[list[Turn]]:
    """Return the batches that come of ``events``, asked for after each of them."""
    batches = []
    next_seq = [0] * len(lanes)
    for now, (what, lane) in enumerate(events):
        if what == "end":
            batcher.end(lane)
        else:
            seq = next_seq[lane]
            next_seq[lane] += 1
            batcher.offer(
                turn(lane, seq, is_marker=lanes[lane][seq], entered=float(now)),
            )
        while batch := batcher.take(float(now), may_more_come=may_more_come):
            batches.append(batch)
    return batches


@given(case=arrivals())
def test_fixed_order_depends_on_the_frames_alone(
    case: tuple[list[list[bool]], list[tuple[str, int]], int],
) -> None:
    """The batches of a batch flow do not depend on how arrivals interleave."""
    lanes, events, size = case
    in_order = [("offer", lane) for lane, frames in enumerate(lanes) for _ in frames]
    in_order += [("end", lane) for lane in range(len(lanes))]

    batches = play(FixedOrderBatcher(policy(size), len(lanes)), lanes, events)
    others = play(FixedOrderBatcher(policy(size), len(lanes)), lanes, in_order)

    assert [keys(b) for b in batches] == [keys(b) for b in others]


@pytest.mark.parametrize("kind", [FixedOrderBatcher, ClockBatcher])
@given(case=arrivals(), is_eager=st.booleans())
def test_nothing_is_lost_doubled_or_overtaken(
    kind: type[FixedOrderBatcher | ClockBatcher],
    case: tuple[list[list[bool]], list[tuple[str, int]], int],
    is_eager: bool,
) -> None:
    """Each frame is in one batch, in the order of its lane, and no batch is too large."""
    lanes, events, size = case
    limits = policy(size, max_delay_seconds=2.0)

    batches = play(
        kind(limits, len(lanes)), lanes, events, may_more_come=never if is_eager else always
    )

    for lane, frames in enumerate(lanes):
        taken = [one.seq for batch in batches for one in batch if one.lane == lane]
        assert taken == list(range(len(frames)))
    assert all(sum(not one.is_marker for one in batch) <= size for batch in batches)


@pytest.mark.parametrize(
    ("num_frames", "now", "may_more_come", "want"),
    [
        pytest.param(0, 9.0, never, [], id="empty"),
        pytest.param(1, 1.2, always, [], id="one-waits"),
        pytest.param(1, 1.2, never, [1], id="one-when-nothing-more-can-come"),
        pytest.param(1, 1.5, always, [1], id="one-when-it-is-due"),
        pytest.param(4, 1.2, always, [3], id="full-at-once"),
        pytest.param(4, 1.2, never, [3, 1], id="last-partial"),
    ],
)
def test_clock_closes_batches(
    num_frames: int, now: float, may_more_come: Callable[[], bool], want: list[int]
) -> None:
    """A batch closes when it is full, when its oldest frame is due, or when no more come."""
    batcher = ClockBatcher(policy(3, max_delay_seconds=0.5), num_lanes=1)
    for seq in range(num_frames):
        batcher.offer(turn(0, seq, entered=1.0))

    batches = take_all(batcher, now, may_more_come)

    assert [len(batch) for batch in batches] == want


def test_clock_says_when_its_oldest_frame_is_due() -> None:
    """The batcher is to be asked again when its oldest frame has waited long enough."""
    batcher = ClockBatcher(policy(4, max_delay_seconds=0.5), num_lanes=2)
    assert batcher.due_seconds() is None

    batcher.offer(turn(1, 0, entered=3.0))
    batcher.offer(turn(0, 0, entered=2.0))

    assert batcher.due_seconds() == 2.5


def test_clock_takes_the_oldest_first() -> None:
    """Across lanes the frames that entered first go first; of equals the lower lane."""
    batcher = ClockBatcher(policy(3), num_lanes=2)
    for lane, seq, entered in ((0, 0, 5.0), (0, 1, 6.0), (1, 0, 4.0), (1, 1, 5.0)):
        batcher.offer(turn(lane, seq, entered=entered))

    first, second = take_all(batcher, 9.0)

    assert first == [(1, 0), (0, 0), (1, 1)]
    assert second == [(0, 1)]


def test_clock_is_fair_between_streams() -> None:
    """No stream has more frames in a batch than ``max_per_stream``, however old they are."""
    batcher = ClockBatcher(policy(4, max_per_stream=2), num_lanes=2)
    for seq in range(4):
        batcher.offer(turn(0, seq, entered=1.0))
    batcher.offer(turn(1, 0, entered=8.0))

    batches = take_all(batcher, 9.0)

    assert batches == [[(0, 0), (0, 1), (1, 0)], [(0, 2), (0, 3)]]


def test_clock_gives_up_what_is_too_old() -> None:
    """When a batch is closed older items go out as stale markers, and newer take their places.

    An item that is exactly as old as allowed is none of them.
    """
    batcher = ClockBatcher(policy(2, max_staleness_seconds=1.0), num_lanes=2)
    for lane, seq, entered in ((0, 0, 6.0), (0, 1, 8.0), (1, 0, 7.5), (1, 1, 8.5)):
        batcher.offer(turn(lane, seq, entered=entered))

    turns = batcher.take(9.0, may_more_come=always)

    assert keys(turns) == [(0, 0), (1, 0), (0, 1), (1, 1)]
    assert [one.is_stale for one in turns] == [True, True, False, False]
    assert [one.is_marker for one in turns] == [True, True, False, False]
    assert batcher.due_seconds() is None


def test_clock_may_find_nothing_fresh() -> None:
    """A batch in which all items are too old has markers only, and nothing is left behind."""
    batcher = ClockBatcher(policy(2, max_staleness_seconds=1.0), num_lanes=1)
    batcher.offer(turn(0, 0, entered=1.0))
    batcher.offer(turn(0, 1, is_marker=True, entered=1.0))

    turns = batcher.take(9.0, may_more_come=always)

    assert [one.is_stale for one in turns] == [True, False]
    assert batcher.take(9.0, may_more_come=always) == []


def test_clock_never_keeps_leading_markers_waiting() -> None:
    """A frame that was given up passes at once where no item stands before it."""
    batcher = ClockBatcher(policy(4, max_delay_seconds=9.0), num_lanes=2)
    batcher.offer(turn(0, 0, is_marker=True))
    batcher.offer(turn(1, 0))
    batcher.offer(turn(1, 1, is_marker=True))

    assert take_all(batcher) == [[(0, 0)]]
    assert take_all(batcher, may_more_come=never) == [[(1, 0), (1, 1)]]


def test_clock_closes_when_all_lanes_have_ended() -> None:
    """When every stream has ended there is nothing to wait for."""
    batcher = ClockBatcher(policy(4, max_delay_seconds=9.0), num_lanes=2)
    batcher.offer(turn(0, 0))
    batcher.end(0)
    assert take_all(batcher) == []

    batcher.end(1)

    assert take_all(batcher) == [[(0, 0)]]


def test_clock_asks_what_may_come_only_where_it_matters() -> None:
    """Whether more may come costs a look at the board, and is not asked without need."""
    batcher = ClockBatcher(policy(1), num_lanes=1)

    def must_not_ask() -> bool:
        raise AssertionError("the batch was full, or empty")

    assert batcher.take(0.0, may_more_come=must_not_ask) == []
    batcher.offer(turn(0, 0))
    assert len(batcher.take(0.0, may_more_come=must_not_ask)) == 1


@pytest.mark.parametrize(
    ("size", "want"),
    [
        pytest.param(2, ([0], [1]), id="two"),
        pytest.param(5, ([0, 1, 2], [3, 4]), id="odd"),
    ],
)
def test_halves_loses_nothing(size: int, want: tuple[list[int], list[int]]) -> None:
    """A batch is split in the middle, and the order stays."""
    assert halves(list(range(size))) == want


@pytest.mark.parametrize("kind", [FixedOrderBatcher, ClockBatcher])
def test_batches_shrink_and_never_grow(kind: Any) -> None:
    """After memory ran out batches are smaller, also when a later wish is larger."""
    batcher = kind(policy(4), num_lanes=1)
    batcher.shrink(2)
    batcher.shrink(3)
    for seq in range(4):
        batcher.offer(turn(0, seq))

    assert take_all(batcher) == [[(0, 0), (0, 1)], [(0, 2), (0, 3)]]
