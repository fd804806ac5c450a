"""What became of every frame: folding marks into totals, and reading them out.

A frame's ticket comes home when all exits are done with it; then its marks are folded into
the door's record. After a worker was killed the supervisor folds what is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from videoflow.core.report import StreamReport
from videoflow.runtime.board import I64, Board, DoorRecord
from videoflow.runtime.marks import DELIVERED, NUM_KINDS, Kind, kind_of, mark, node_of
from videoflow.runtime.plan import Plan

__all__ = ["Ledger", "entered_seconds", "lane_home"]

_FEW = 4


class Ledger:
    """The ledger of one flow, over its board.

    Args:
        plan: What runs.
        board: Where the marks are.
    """

    def __init__(self, plan: Plan, board: Board) -> None:
        self._plan = plan
        self._board = board
        self._num_nodes = len(plan.graph.nodes)

    def home(self, source: int) -> int:
        """Return the sequence number up to which all tickets of ``source`` came home."""
        plan = self._plan.source(source)
        entered = int(self._board.record(source)[DoorRecord.ENTERED])
        done = min(int(self._board.done[e][0]) for e in plan.exits)
        return min(done, entered)

    def fold(self, source: int, upto: int, *, missing: int = 0) -> None:
        """Count the frames of ``source`` below ``upto`` as ended.

        Args:
            source: Index of the producer.
            upto: Sequence number.
            missing: The mark for an exit that will not be done with a frame any more; only
                after its worker is gone.
        """
        board = self._board
        draft = board.draft(source)
        folded = int(draft[DoorRecord.FOLDED])
        if upto <= folded:
            return
        if upto - folded <= _FEW and not missing:
            self._count_few(source, draft, range(folded, upto))
        else:
            self._count_many(source, draft, np.arange(folded, upto), missing)
        draft[DoorRecord.FOLDED] = upto
        board.publish(source)

    def _count_few(self, source: int, draft: I64, seqs: range) -> None:
        """Add up one by one: for a handful of frames NumPy's calls cost more than the sums."""
        plan, marks = self._plan.source(source), self._board.marks
        exits_at = DoorRecord.TOTALS + NUM_KINDS * self._num_nodes
        for seq in seqs:
            row, worst, at = seq % plan.max_tickets, 0, exits_at
            for exit_index in plan.exits:
                value = int(marks[exit_index, source][row])
                draft[at + (value >> 8)] += 1
                at += NUM_KINDS
                worst = max(worst, value)
            draft[DoorRecord.TOTALS + (worst >> 8) * self._num_nodes + (worst & 255)] += 1

    def _count_many(self, source: int, draft: I64, seqs: I64, missing: int) -> None:
        board, plan = self._board, self._plan.source(source)
        rows = seqs % plan.max_tickets
        worst = np.zeros(len(seqs), np.int64)
        at = DoorRecord.TOTALS + NUM_KINDS * self._num_nodes
        for exit_index in plan.exits:
            marks = board.marks[exit_index, source][rows].astype(np.int64)
            if missing:
                marks = np.where(seqs < board.done[exit_index][0], marks, missing)
            draft[at : at + NUM_KINDS] += np.bincount(marks >> 8, minlength=NUM_KINDS)
            at += NUM_KINDS
            np.maximum(worst, marks, out=worst)
        cells = (worst >> 8) * self._num_nodes + (worst & 255)
        totals = draft[DoorRecord.TOTALS : DoorRecord.TOTALS + NUM_KINDS * self._num_nodes]
        totals += np.bincount(cells, minlength=len(totals))

    def drop_at_door(self, source: int, num_dropped: int) -> None:
        """Count frames that were read and never entered."""
        draft = self._board.draft(source)
        draft[DoorRecord.READ] += num_dropped
        cell = int(Kind.DROPPED) * self._num_nodes + source
        draft[DoorRecord.TOTALS + cell] += num_dropped
        self._board.publish(source)

    def enter(self, source: int, num_read: int, entered: int) -> None:
        """Count frames that were read, and say how many have entered in all."""
        draft = self._board.draft(source)
        draft[DoorRecord.READ] += num_read
        draft[DoorRecord.ENTERED] = entered
        self._board.publish(source)

    def close(self, lost: Sequence[int]) -> None:
        """Fold what is left after all workers are gone.

        Args:
            lost: The nodes of a worker that was lost, parents first: what is missing failed at
                its own source, if that is one of them, else at the first.
        """
        for source in self._plan.sources:
            missing = mark(Kind.FAILED, source.node if source.node in lost else lost[0])
            entered = int(self._board.record(source.node)[DoorRecord.ENTERED])
            self.fold(source.node, entered, missing=missing)

    def stream_report(self, source: int) -> StreamReport:
        """Return what became of the frames of ``source`` so far."""
        plan = self._plan.source(source)
        record = self._board.record(source).copy()
        totals = record[DoorRecord.TOTALS :][: NUM_KINDS * self._num_nodes]
        by_kind = totals.reshape(NUM_KINDS, self._num_nodes)
        at_exits = record[DoorRecord.TOTALS + NUM_KINDS * self._num_nodes :]
        consumers: dict[str, dict[str, int]] = {}
        for exit_index, kinds in zip(plan.exits, at_exits.reshape(-1, NUM_KINDS), strict=True):
            name = self._plan.nodes[self._plan.exits[exit_index].consumer].name
            told = consumers.setdefault(name, {})
            for kind in (Kind.DELIVERED, Kind.SKIPPED, Kind.DROPPED, Kind.FAILED):
                told[kind.name.lower()] = told.get(kind.name.lower(), 0) + int(kinds[kind])
        return StreamReport(
            stream=plan.stream,
            num_read=int(record[DoorRecord.READ]),
            num_delivered=int(by_kind[Kind.DELIVERED].sum()),
            skipped=self._causes(by_kind[Kind.SKIPPED], Kind.SKIPPED, source),
            dropped=self._causes(by_kind[Kind.DROPPED], Kind.DROPPED, source),
            failed=self._causes(by_kind[Kind.FAILED], Kind.FAILED, source),
            num_flushed=sum(int(self._board.flushed[e][0]) for e in plan.exits),
            consumers=consumers,
        )

    def _causes(self, counts: I64, kind: Kind, source: int) -> dict[str, int]:
        causes = {}
        for node in np.flatnonzero(counts).tolist():
            causes[self._cause(kind, node, source)] = int(counts[node])
        return causes

    def _cause(self, kind: Kind, node: int, source: int) -> str:
        name = self._plan.nodes[node].name
        if kind is Kind.DROPPED and node == source:
            return f"stale at the door of {name}"
        if kind is Kind.DROPPED:
            return f"stale at {name}"
        return f"at {name}"

    def describe(self, value: int) -> str:
        """Return a mark in words."""
        kind = kind_of(value)
        if value == DELIVERED:
            return "delivered"
        return f"{kind.name.lower()} at {self._plan.nodes[node_of(value)].name}"


def lane_home(plan: Plan, board: Board, node: int, lane: int) -> int:
    """Return the sequence number below which no exit that ``node`` reaches wants ``lane``."""
    sources = set(plan.graph.lanes[lane].sources)
    return min(
        int(board.done[e][0])
        for e in plan.nodes[node].exits
        if sources <= set(plan.exits[e].sources)
    )


def entered_seconds(board: Board, plan: Plan, lane: int, seqs: Any) -> Any:
    """Return when frames of a lane entered the flow: the youngest of its sources' clocks."""
    sources = plan.graph.lanes[lane].sources
    clocks = [
        board.entered_seconds[source][np.asarray(seqs) % plan.source(source).max_tickets]
        for source in sources
    ]
    return np.max(clocks, axis=0)
