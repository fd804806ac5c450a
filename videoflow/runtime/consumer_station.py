"""A consumer at work: it marks what became of each frame, and lets tickets go home."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from videoflow.core.node import (
    ConsumerNode,
    Ending,
)
from videoflow.runtime.board import age_bin, age_bins
from videoflow.runtime.frame_station import FrameStation
from videoflow.runtime.ledger import entered_seconds
from videoflow.runtime.marks import DELIVERED, Marker
from videoflow.runtime.plan import Exit
from videoflow.runtime.station import ITEMS
from videoflow.runtime.station_lane import StationLane

__all__ = ["ConsumerStation"]


class ConsumerStation(FrameStation):
    """Calls ``consume`` and lets tickets go home."""

    node: ConsumerNode

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        plan = self.host.plan
        self._exits = {e.lane: e for e in plan.exits if e.consumer == self.index}

    def _invoke(self, lane: StationLane, inputs: Sequence[Any]) -> Any:
        self.node.consume(*inputs)
        return None

    def _send(  # noqa: PLR0913 - a run, in its two forms
        self,
        lane: StationLane,
        seq: int,
        stride: int,
        window: int,
        packed: list[Any],
        kept: list[Any],
    ) -> None:
        """Mark what became of a run of frames, and let their tickets go."""
        exit_ = self._exits[lane.index]
        if len(packed) == 1 and list(lane.sources.values()) == [None]:
            self._mark_one(lane, exit_, seq, packed[0])
        else:
            self._mark_many(lane, exit_, seq, packed)
        self.host.board.done[exit_.index][0] = seq + len(packed)
        self.host.ring_bells(exit_.sources)

    def _mark_one(self, lane: StationLane, exit_: Exit, seq: int, outcome: Any) -> None:
        """Mark one frame of one source: with large frames most runs are of one."""
        board, source = self.host.board, exit_.sources[0]
        row = seq % self.host.plan.source(source).max_tickets
        if type(outcome) is Marker:
            board.marks[exit_.index, source][row] = outcome.mark
            return
        board.marks[exit_.index, source][row] = DELIVERED
        age_seconds = time.monotonic() - float(board.entered_seconds[source][row])
        board.ages[exit_.index][age_bin(age_seconds)] += 1
        self.counters[ITEMS] += 1

    def _mark_many(
        self, lane: StationLane, exit_: Exit, seq: int, outcomes: Sequence[Any]
    ) -> None:
        board, plan = self.host.board, self.host.plan
        end = seq + len(outcomes)
        marks = np.full(len(outcomes), DELIVERED, np.uint16)
        for number, value in enumerate(outcomes):
            if type(value) is Marker:
                marks[number] = value.mark
        num_frames = len(outcomes)
        for source, total in lane.sources.items():
            count = len(outcomes) if total is None else max(0, min(total, end) - seq)
            rows = np.arange(seq, seq + count) % plan.source(source).max_tickets
            board.marks[exit_.index, source][rows] = marks[:count]
            num_frames = min(num_frames, count) if len(lane.sources) == 1 else num_frames
        if num_frames < len(outcomes):
            board.flushed[exit_.index][0] += int((marks[num_frames:] == DELIVERED).sum())
        self._note_ages(lane, exit_.index, seq, marks[:num_frames])
        self.counters[ITEMS] += int((marks == DELIVERED).sum())

    def _note_ages(self, lane: StationLane, exit_index: int, seq: int, marks: Any) -> None:
        seqs = np.arange(seq, seq + len(marks))[marks == DELIVERED]
        if len(seqs):
            clocks = entered_seconds(self.host.board, self.host.plan, lane.index, seqs)
            bins = age_bins(time.monotonic() - clocks)
            np.add.at(self.host.board.ages[exit_index], bins, 1)

    def _end_lane(self, lane: StationLane, total: int) -> None:
        ending: Ending = "failed" if self._is_broken else lane.ending
        lane.is_over = True
        self.guarded(lambda: self.node.end_stream(lane.name, ending), stream=lane.name)

    def close(self) -> None:
        """Close the node; streams that have not ended were torn down with the flow."""
        if self.is_open:
            for lane in self.lanes:
                if not lane.is_over:
                    self._is_broken = True
                    self._end_lane(lane, lane.seq)
        super().close()
