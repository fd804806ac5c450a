"""One input of a station, as who sends to it sees it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from videoflow.core.node import Ending
from videoflow.runtime.outlet import Outlet
from videoflow.runtime.station_lane import StationLane

__all__ = ["StationInlet"]


class Receiver(Protocol):
    """What an inlet needs of the station that it belongs to."""

    outlet: Outlet

    def port_lane(self, port: int, parent_lane: int) -> StationLane | None:
        """Return the lane here that ``parent_lane`` feeds through ``port``, if it is ours."""


class StationInlet:
    """One input of a station, as a parent's outlet or the worker's mail sees it."""

    __slots__ = ("_port", "_station")

    def __init__(self, station: Receiver, port: int) -> None:
        self._station = station
        self._port = port

    def put(self, lane: int, seq: int, stride: int, window: int, values: Sequence[Any]) -> None:
        """Take a run of values."""
        here = self._station.port_lane(self._port, lane)
        if here is not None:
            here.inboxes[self._port].put(seq, stride, window, values)

    def begin(self, lane: int, seq: int) -> None:
        """Hear, in a worker that was started again, that nobody wants frames below ``seq``."""
        here = self._station.port_lane(self._port, lane)
        if here is not None:
            for inbox in here.inboxes:
                inbox.skip_to(seq)
            self._station.outlet.begin(here.index, seq)

    def end_source(self, lane: int, source: int, total: int) -> None:
        """Hear how many frames a source gave, and say so before anything beyond is sent."""
        here = self._station.port_lane(self._port, lane)
        if here is not None and here.sources.get(source, 0) is None:
            here.sources[source] = total
            self._station.outlet.end_source(here.index, source, total)

    def end(self, lane: int, total: int, ending: Ending, writer: int = 0) -> None:
        """Hear that a lane ends before ``total``."""
        here = self._station.port_lane(self._port, lane)
        if here is not None:
            here.inboxes[self._port].end(total, ending, writer)

    def lose(self, lane: int, writer: int, ending: Ending) -> None:
        """Hear that the writer of a lane is gone."""
        here = self._station.port_lane(self._port, lane)
        if here is not None:
            here.inboxes[self._port].lose(writer, ending)
