from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from videoflow.core import ConsumerNode, Flow, FunctionProcessor, IterableProducer
from videoflow.runtime.board import Board, DoorRecord, age_bins, age_percentile
from videoflow.runtime.ledger import Ledger
from videoflow.runtime.marks import DELIVERED, Kind, mark
from videoflow.runtime.plan import Plan, make_plan

SOURCE, STEP, ONE, TWO = range(4)
SKIPPED = mark(Kind.SKIPPED, STEP)
FAILED = mark(Kind.FAILED, TWO)


class Sink(ConsumerNode):
    def consume(self, *inputs: Any) -> None:
        pass


def make_plan_of_two() -> Plan:
    """Return source -> step -> one, two; four tickets."""
    source = IterableProducer([], name="source")
    step = FunctionProcessor(lambda x: x, name="step")(source)
    sinks = [Sink(name=name)(step) for name in ("one", "two")]
    return make_plan(Flow([source], sinks).graph(), tickets=4, placement="process")


class Books:
    """A board and its ledger, with two exits."""

    def __init__(self) -> None:
        self.plan = make_plan_of_two()
        self.board = Board(self.plan)
        self.ledger = Ledger(self.plan, self.board)

    def finish(self, exit_index: int, seq: int, value: int) -> None:
        """Do what a consumer does when it is done with a frame."""
        self.board.marks[exit_index, SOURCE][seq % 4] = value
        self.board.done[exit_index][0] = seq + 1

    def column(self, at: int) -> int:
        return int(self.board.record(SOURCE)[at])


@pytest.fixture
def books() -> Iterator[Books]:
    one = Books()
    yield one
    os.close(one.board.fd)
    one.__dict__.clear()


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

    books.ledger.close(FAILED)

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

    books.ledger.close(FAILED)

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


def test_the_record_is_whole_whenever_its_writer_dies(books: Books) -> None:
    """A writer that dies between draft and publish leaves the record before, whole."""
    books.ledger.enter(SOURCE, 2, 2)
    before = books.board.record(SOURCE).copy()

    draft = books.board.draft(SOURCE)
    draft[:] = -1  # and here it dies

    np.testing.assert_array_equal(books.board.record(SOURCE), before)
    books.ledger.enter(SOURCE, 1, 3)  # the supervisor goes on where it stood
    assert books.column(DoorRecord.READ) == 3
    assert books.column(DoorRecord.ENTERED) == 3


def test_a_record_is_published_at_once(books: Books) -> None:
    """Nobody sees a draft before it is published, and all of it then."""
    draft = books.board.draft(SOURCE)
    draft[DoorRecord.READ] = 5
    draft[DoorRecord.ENTERED] = 4
    assert books.column(DoorRecord.READ) == 0

    books.board.publish(SOURCE)

    assert (books.column(DoorRecord.READ), books.column(DoorRecord.ENTERED)) == (5, 4)


def test_all_processes_lay_the_board_out_alike(books: Books) -> None:
    """A second board over the same memory, as in a worker, sees the same words."""
    other = Board(books.plan.without_nodes(), os.dup(books.board.fd))

    books.finish(1, 2, SKIPPED)
    books.board.tasks[STEP, 0][0] = 7
    other.entered_seconds[SOURCE][3] = 1.5

    assert int(other.done[1][0]) == 3
    assert int(other.marks[1, SOURCE][2]) == SKIPPED
    assert other.tasks[STEP, 0][0] == 7
    assert books.board.entered_seconds[SOURCE][3] == 1.5
    os.close(other.fd)


def test_ages_are_told_within_a_bin() -> None:
    """Percentiles of ages are right within a bin, 7 percent, from 10 microseconds to minutes."""
    ages = np.array([0.0, 1e-5, 0.001, 0.02, 0.5, 480.0])

    for age in ages[1:]:
        histogram = np.bincount(age_bins(np.array([age])), minlength=256)
        told = age_percentile(histogram, 50)

        assert age <= told * 1.0001
        assert told <= age * 1.08
    assert np.isnan(age_percentile(np.zeros(256, np.int64), 50))
