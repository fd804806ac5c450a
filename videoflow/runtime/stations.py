"""Processors and per-stream processors at work, and what they still say at the end."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any

from videoflow.core.node import SKIP, PerStreamProcessorNode, ProcessorNode
from videoflow.runtime.frame_station import FrameStation
from videoflow.runtime.ledger import lane_home
from videoflow.runtime.payload import Local
from videoflow.runtime.station import COMPUTE, FLUSHED
from videoflow.runtime.station_lane import StationLane

__all__ = ["PerStreamStation", "ProcessorStation"]

_FLUSH_RETRY_SECONDS = 0.005
_NOTHING = object()


class _FlushingStation(FrameStation, ABC):
    """A station whose node may still have something to say when its inputs have ended."""

    _retry_at: float | None = None

    def due_seconds(self) -> float | None:
        """Return when a flush that waits for tickets should be tried again."""
        return self._retry_at

    @abstractmethod
    def _flushes_in(self, lane: StationLane) -> bool:
        """Say whether the node flushes in a lane."""

    @abstractmethod
    def _flush(self, lane: StationLane) -> Iterator[Any]:
        """Yield what the node still holds of a lane."""

    def _finish(self, lane: StationLane) -> bool:
        """Send what the node still holds, as tickets come home, and then the lane's end."""
        self._retry_at = None
        if lane.flushing is None:
            if self._is_broken or not self._flushes_in(lane):
                return super()._finish(lane)
            lane.flushing = (lane.total, self._flushed(lane))
        seq, outputs = lane.flushing
        while self._num_in_flight(lane, seq) < lane.window:
            value = self._next_flushed(lane, seq, outputs)
            if value is _NOTHING:
                self._end_lane(lane, seq)
                return True
            seq += 1
            lane.flushing = (seq, outputs)
        self._retry_at = time.monotonic() + _FLUSH_RETRY_SECONDS
        return False

    def _flushed(self, lane: StationLane) -> Iterator[Any]:
        # A generator, so that what the call itself raises is raised where items are asked for.
        yield from self._flush(lane)

    def _next_flushed(self, lane: StationLane, seq: int, outputs: Iterator[Any]) -> Any:
        """Send one more item; return ``_NOTHING`` when there is none."""
        window = lane.window
        begin = time.monotonic()
        try:
            self.desk.begin((lane.index, seq, window))
            value = next(outputs, _NOTHING)
            while value is SKIP:
                value = next(outputs, _NOTHING)
        except Exception as error:
            self._fail(lane.name, seq, error)
            return _NOTHING
        finally:
            self.counters[COMPUTE] += time.monotonic() - begin
        if value is not _NOTHING:
            places = self.desk.places()
            value = self.desk.lend(value)
            packed = self._pack(lane, seq, value, places) if self.outlet.has_remotes else value
            kept = Local(value, tuple(places)) if places else value
            self.counters[FLUSHED] += 1
            self.outlet.put(lane.index, seq, 1, window, [packed], [kept])
        return value

    def _num_in_flight(self, lane: StationLane, seq: int) -> int:
        """Return how many frames of the lane below ``seq`` an exit still works on."""
        return seq - lane_home(self.host.plan, self.host.board, self.index, lane.index)


class ProcessorStation(_FlushingStation):
    """Calls ``process(*inputs)``; what it flushes goes on in the lane that ends last."""

    node: ProcessorNode

    def _invoke(self, lane: StationLane, inputs: Sequence[Any]) -> Any:
        return self.node.process(*inputs)

    def _flushes_in(self, lane: StationLane) -> bool:
        # In the last lane, and not in a chosen one: a lane whose end is held back would let a
        # batch node downstream wait for its turns, with the tickets of the other lanes.
        others_are_over = all(other.is_over for other in self.lanes if other is not lane)
        return others_are_over and type(self.node).flush is not ProcessorNode.flush

    def _flush(self, lane: StationLane) -> Iterator[Any]:
        return self.node.flush()


class PerStreamStation(_FlushingStation):
    """Calls ``process(state, *inputs)`` with the state of the frame's stream."""

    node: PerStreamProcessorNode[Any]

    def _invoke(self, lane: StationLane, inputs: Sequence[Any]) -> Any:
        return self.node.process(self._state(lane), *inputs)

    def _flushes_in(self, lane: StationLane) -> bool:
        return type(self.node).flush is not PerStreamProcessorNode.flush

    def _flush(self, lane: StationLane) -> Iterator[Any]:
        return self.node.flush(self._state(lane))

    def _state(self, lane: StationLane) -> Any:
        if lane.state is None:
            lane.state = (self.node.make_state(lane.name),)
        return lane.state[0]
