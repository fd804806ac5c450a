"""A node that is called frame by frame: takes runs of frames, calls, sends runs of outputs."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from videoflow.core.node import SKIP
from videoflow.runtime.marks import Marker
from videoflow.runtime.payload import PLAIN, AnyPlace, Local
from videoflow.runtime.station import (
    BUDGET_SECONDS,
    COMPUTE,
    MAX_RUN,
    SKIPPED,
    Station,
)
from videoflow.runtime.station_lane import StationLane

__all__ = ["FrameStation"]


class FrameStation(Station, ABC):
    """Calls its node for one frame after the other, lane by lane."""

    def step(self) -> bool:
        """Do a little work; return whether anything was done."""
        has_worked = False
        for lane in self.lanes:
            if lane.is_over:
                continue
            length = lane.run_length()
            if length:
                self._work(lane, min(length, MAX_RUN))
                has_worked = True
            elif lane.has_all_inputs:
                has_worked |= self._finish(lane)
        if not self.is_done and all(lane.is_over for lane in self.lanes):
            self.is_done = True
            has_worked = True
        return has_worked

    def _work(self, lane: StationLane, length: int) -> None:
        """Take up to ``length`` frames of ``lane`` and send on what becomes of them."""
        seq, window, stride = lane.seq, lane.window, lane.inboxes[0].stride
        packed: list[Any] = []
        kept: list[Any] = []
        begin = time.monotonic()
        deadline = begin + BUDGET_SECONDS
        for number in range(length):
            value = lane.take(self._skipped)
            if type(value) is Marker:
                packed.append(value)
                kept.append(value)
            else:
                at = seq + number * stride
                output, places = self._call(lane, at, window, value)
                as_packed, as_kept = self._forms(lane, at, output, places)
                packed.append(as_packed)
                kept.append(as_kept)
            if time.monotonic() > deadline:
                break
        self.counters[COMPUTE] += time.monotonic() - begin
        self._send(lane, seq, stride, window, packed, kept)

    def _forms(
        self, lane: StationLane, seq: int, output: Any, places: Sequence[AnyPlace]
    ) -> tuple[Any, Any]:
        """Return an output as messages carry it, and as it stays in the process."""
        if type(output) in PLAIN or type(output) is Marker:
            return output, output
        packed = self._pack(lane, seq, output, places) if self.outlet.has_remotes else output
        return packed, packed if type(packed) is Marker else _local(output, places)

    def _call(
        self, lane: StationLane, seq: int, window: int, value: Any
    ) -> tuple[Any, Sequence[AnyPlace]]:
        """Return the node's output for one frame, or a marker, and the places it may show."""
        if self._is_broken:
            return self._failed, ()
        places: list[AnyPlace] = []
        try:
            inputs, places = self._load(value)
            self.desk.begin((lane.index, seq, window))
            output = self._invoke(lane, inputs)
        except Exception as error:
            return self._fail(lane.name, seq, error), ()
        finally:
            self.host.rings.done(places)
        return self._settled(output, places)

    def _settled(self, output: Any, places: list[AnyPlace]) -> tuple[Any, Sequence[AnyPlace]]:
        if output is SKIP:
            self.counters[SKIPPED] += 1
            return self._skipped, ()
        if type(output) not in PLAIN:
            self.desk.look_at(output)
        own = self.desk.places()
        if own:
            output = self.desk.lend(output)
            places.extend(own)
        return output, places

    @abstractmethod
    def _invoke(self, lane: StationLane, inputs: Sequence[Any]) -> Any:
        """Call the node with the inputs of one frame."""


def _local(output: Any, places: Sequence[AnyPlace]) -> Any:
    return Local(output, tuple(places)) if places else output
