from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from videoflow.runtime.inbox import Inbox, worst_ending


def drain(inbox: Inbox) -> list[object]:
    return [inbox.take() for _ in range(len(inbox.items))]


@pytest.mark.parametrize(
    ("values", "want"),
    [
        pytest.param([], [], id="empty"),
        pytest.param(["a"], ["a"], id="one"),
        pytest.param(["a", "b", "c"], ["a", "b", "c"], id="several"),
    ],
)
def test_values_come_out_in_order(values: list[str], want: list[str]) -> None:
    """A run goes through as it came, and the lane is over when its end is heard."""
    inbox = Inbox(0, 1, 1)
    inbox.put(0, 1, 4, values)
    assert inbox.total is None

    inbox.end(len(values), "finished", 0)

    assert drain(inbox) == want
    assert inbox.is_over
    assert inbox.ending == "finished"


@given(order=st.permutations(range(6)), num_tasks=st.integers(1, 3))
def test_replicas_are_put_in_order(order: list[int], num_tasks: int) -> None:
    """Whatever the order in which tasks of a parent send, values come out by number."""
    inbox = Inbox(0, 1, num_tasks)

    for seq in order:
        inbox.put(seq, num_tasks, 8, [seq])
        assert list(inbox.items) == list(range(len(inbox.items)))
    for task in range(num_tasks):
        assert not inbox.is_over
        inbox.end(6, "finished", task)

    assert drain(inbox) == list(range(6))
    assert inbox.is_over


def test_repeats_are_dropped() -> None:
    """What a restarted worker sends again, whole or in part, comes once."""
    inbox = Inbox(0, 1, 1)
    inbox.put(0, 1, 4, [0, 1, 2])

    inbox.put(0, 1, 4, [0, 1, 2])
    inbox.put(1, 1, 4, [1, 2, 3])
    inbox.put(3, 1, 4, [3])

    assert drain(inbox) == [0, 1, 2, 3]


def test_a_task_takes_its_share_only() -> None:
    """Task 1 of 3 gets the frames 1, 4, 7, ..."""
    inbox = Inbox(1, 3, 1)

    inbox.put(1, 3, 4, ["1", "4"])
    inbox.put(7, 3, 4, ["7"])
    inbox.end(9, "finished", 0)

    assert drain(inbox) == ["1", "4", "7"]
    assert inbox.next_out == 10
    assert inbox.is_over


def test_a_run_never_crosses_a_change_of_the_window() -> None:
    """Frames that are taken together entered under one window; each knows its own."""
    inbox = Inbox(0, 1, 1)
    inbox.put(0, 1, 2, "ab")
    inbox.put(2, 1, 9, "cde")
    assert (inbox.run_length(), inbox.window()) == (2, 2)

    inbox.take()
    inbox.take()

    assert (inbox.run_length(), inbox.window()) == (3, 9)


def test_windows_of_replicas_may_be_told_out_of_order() -> None:
    """The later window is heard first from one task, the earlier one still counts."""
    inbox = Inbox(0, 1, 2)
    inbox.put(1, 2, 2, ["1"])
    inbox.put(3, 2, 9, ["3"])
    inbox.put(0, 2, 2, ["0"])
    inbox.put(2, 2, 9, ["2"])

    windows = []
    while inbox.items:
        windows.append(inbox.window())
        inbox.take()

    assert windows == [2, 2, 9, 9]


@pytest.mark.parametrize(
    ("endings", "want"),
    [
        pytest.param([], "finished", id="none"),
        pytest.param(["stopped"], "stopped", id="one"),
        pytest.param(["finished", "failed", "stopped"], "failed", id="worst"),
    ],
)
def test_the_worst_ending_counts(endings: list[str], want: str) -> None:
    """Of several endings the worst is the lane's."""
    assert worst_ending(endings) == want  # type: ignore[arg-type] # rows are strings


def test_a_lost_writer_ends_the_lane_where_it_stood() -> None:
    """What a killed worker did not send will not come; what it sent is taken."""
    inbox = Inbox(0, 1, 1)
    inbox.put(0, 1, 4, [0, 1])

    inbox.lose(0, "failed")
    inbox.put(2, 1, 4, [2])

    assert drain(inbox) == [0, 1]
    assert inbox.is_over
    assert (inbox.total, inbox.ending) == (2, "failed")


def test_losing_one_of_two_writers_ends_the_lane_at_the_hole() -> None:
    """Later frames of the other task cannot go on: the order would have a hole."""
    inbox = Inbox(0, 1, 2)
    inbox.put(0, 2, 4, [0])
    inbox.put(1, 2, 4, [1, 3, 5])

    inbox.lose(0, "failed")

    assert drain(inbox) == [0, 1]
    assert inbox.is_over


def test_a_writer_that_had_ended_can_be_lost() -> None:
    """A worker that ends after its last frame has lost nothing."""
    inbox = Inbox(0, 1, 1)
    inbox.put(0, 1, 4, [0])
    inbox.end(1, "finished", 0)

    inbox.lose(0, "failed")

    assert drain(inbox) == [0]
    assert inbox.ending == "finished"


def test_a_hole_that_all_writers_left_ends_the_lane() -> None:
    """Where a source died between two sends, its tasks end with a hole between them."""
    inbox = Inbox(0, 1, 2)
    inbox.put(0, 2, 4, [0])
    inbox.put(1, 2, 4, [1, 3])
    inbox.end(2, "failed", 0)

    inbox.end(5, "failed", 1)

    assert drain(inbox) == [0, 1]
    assert inbox.is_over
