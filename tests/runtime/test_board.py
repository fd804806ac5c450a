from __future__ import annotations

import os

import numpy as np

from tests.runtime.conftest import SKIPPED, SOURCE, STEP, Books
from videoflow.runtime.board import Board, DoorRecord, age_bins, age_percentile


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
    """Percentiles of ages are right within a bin, 7 percent, from 10 us to minutes."""
    ages = np.array([0.0, 1e-5, 0.001, 0.02, 0.5, 480.0])

    for age in ages[1:]:
        histogram = np.bincount(age_bins(np.array([age])), minlength=256)
        told = age_percentile(histogram, 50)

        assert age <= told * 1.0001
        assert told <= age * 1.08
    assert np.isnan(age_percentile(np.zeros(256, np.int64), 50))
