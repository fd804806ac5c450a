from __future__ import annotations

import pytest

from tests.runtime.conftest import FAILED, SKIPPED, SOURCE, STEP, TWO, Books
from videoflow.runtime.board import DoorRecord
from videoflow.runtime.marks import DELIVERED, Kind, mark


def test_an_empty_ledger_is_all_zero(books: Books) -> None:
    """Before the first frame everything is zero, and the consumers are named."""
    report = books.ledger.stream_report(SOURCE)

    assert (report.num_read, report.num_delivered, report.num_flushed) == (0, 0, 0)
    assert (report.skipped, report.dropped, report.failed) == ({}, {}, {})
    assert [*report.consumers] == ["one", "two"]


def test_a_ticket_is_home_when_all_exits_are_done(books: Books) -> None:
    """The slowest exit decides; what has not entered is never home."""
    books.ledger.enter(SOURCE, 3, 3)
    assert books.ledger.home(SOURCE) == 0

    for seq in range(3):
        books.finish(0, seq, DELIVERED)
    books.finish(1, 0, DELIVERED)

    assert books.ledger.home(SOURCE) == 1


@pytest.mark.parametrize(
    ("one", "two", "want"),
    [
        pytest.param(DELIVERED, DELIVERED, "delivered", id="both"),
        pytest.param(DELIVERED, SKIPPED, "delivered", id="delivered-beats-skipped"),
        pytest.param(SKIPPED, SKIPPED, "skipped at step", id="skipped"),
        pytest.param(
            mark(Kind.DROPPED, STEP), DELIVERED, "dropped stale at step", id="dropped"
        ),
        pytest.param(
            mark(Kind.DROPPED, STEP), FAILED, "failed at two", id="failed-beats-dropped"
        ),
    ],
)  # fmt: skip
def test_the_worst_branch_counts(books: Books, one: int, two: int, want: str) -> None:
    """Each frame ends in one way: the worst of its branches; consumers count apart."""
    books.ledger.enter(SOURCE, 1, 1)
    books.finish(0, 0, one)
    books.finish(1, 0, two)

    books.ledger.fold(SOURCE, 1)

    report = books.ledger.stream_report(SOURCE)
    told = ["delivered"] * report.num_delivered
    for word in ("skipped", "dropped", "failed"):
        told += [f"{word} {cause}" for cause in getattr(report, word)]
    assert told == [want]
    for name, value in (("one", one), ("two", two)):
        kind = Kind(value >> 8).name.lower()
        assert {k: n for k, n in report.consumers[name].items() if n} == {kind: 1}


def test_marks_are_folded_as_tickets_come_home(books: Books) -> None:
    """With four tickets the marks of many frames are counted, each once."""
    for seq in range(11):
        books.ledger.enter(SOURCE, 1, seq + 1)
        books.finish(0, seq, DELIVERED)
        books.finish(1, seq, SKIPPED if seq % 2 else DELIVERED)
        if seq % 3 == 2:
            books.ledger.fold(SOURCE, books.ledger.home(SOURCE))
            books.ledger.fold(SOURCE, books.ledger.home(SOURCE))  # again: nothing more

    books.ledger.close([TWO])

    report = books.ledger.stream_report(SOURCE)
    assert (report.num_read, report.num_delivered) == (11, 11)
    assert (report.consumers["two"]["delivered"], report.consumers["two"]["skipped"]) == (6, 5)
    assert books.column(DoorRecord.FOLDED) == 11


def test_frames_that_a_killed_worker_held_have_failed(books: Books) -> None:
    """What no exit marked before the end is missing, whatever earlier frames left there."""
    for seq in range(4):
        books.finish(0, seq, DELIVERED)
        books.finish(1, seq, DELIVERED)
    books.ledger.enter(SOURCE, 4, 4)
    books.ledger.fold(SOURCE, 4)
    books.ledger.enter(SOURCE, 3, 7)
    books.finish(0, 4, DELIVERED)
    books.finish(1, 4, DELIVERED)
    books.finish(0, 5, DELIVERED)

    books.ledger.close([TWO])

    report = books.ledger.stream_report(SOURCE)
    assert (report.num_read, report.num_delivered, report.failed) == (7, 5, {"at two": 2})
    assert report.consumers["one"] == {"delivered": 6, "skipped": 0, "dropped": 0, "failed": 1}


def test_frames_dropped_at_the_door_are_read(books: Books) -> None:
    """What never entered is counted as read and as dropped, with its cause."""
    books.ledger.drop_at_door(SOURCE, 3)

    report = books.ledger.stream_report(SOURCE)
    assert (report.num_read, report.dropped) == (3, {"stale at the door of source": 3})


@pytest.mark.parametrize(
    ("value", "want"),
    [
        pytest.param(DELIVERED, "delivered", id="delivered"),
        pytest.param(SKIPPED, "skipped at step", id="skipped"),
        pytest.param(FAILED, "failed at two", id="failed"),
    ],
)
def test_a_mark_can_be_told(books: Books, value: int, want: str) -> None:
    """A mark names what happened, and where."""
    assert books.ledger.describe(value) == want
