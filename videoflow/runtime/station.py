"""A node at work in a worker: takes what has arrived, calls the node, sends on.

``Station`` is what all kinds share: lanes, inputs, ends, errors, counters. How a kind of node
is called is in ``frame_station`` (frame by frame: ``stations``, ``consumer_station``),
``batch_station`` and ``door`` (producers).
"""

from __future__ import annotations

import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, ClassVar, Protocol

from videoflow.core.graph import GraphNode
from videoflow.core.node import Ending, Node
from videoflow.errors import ConfigError, NodeError, SourceError
from videoflow.runtime.board import COUNTERS, Board
from videoflow.runtime.copies import moved
from videoflow.runtime.deal import Deal
from videoflow.runtime.desk import Desk
from videoflow.runtime.marks import Kind, Marker, mark
from videoflow.runtime.outlet import Outlet
from videoflow.runtime.payload import PLAIN, AnyPlace, Loader, pack
from videoflow.runtime.plan import Plan
from videoflow.runtime.rings import WorkerRings
from videoflow.runtime.siting import is_on_gpu
from videoflow.runtime.station_inlet import StationInlet
from videoflow.runtime.station_lane import StationLane, make_lanes

__all__ = ["BUDGET_SECONDS", "MAX_RUN", "Host", "Station", "node_error"]

BUDGET_SECONDS = 0.0001
"""How long a station works before what it made is sent on and others get their turn."""

MAX_RUN = 512
"""The most values in one message."""

ITEMS, SKIPPED, FAILED, BATCHES, BATCH_ITEMS, WAIT, BATCH_WAIT, COMPUTE, FLUSHED = range(
    len(COUNTERS)
)


class Host(Protocol):
    """What a station needs of the worker that it stands in."""

    plan: Plan
    board: Board
    loader: Loader
    rings: WorkerRings
    worker_name: str

    def report_error(self, node: int, error: NodeError) -> None:
        """Tell the supervisor of an error that ends the flow."""

    def report_ended(self, source: int, ending: Ending) -> None:
        """Tell the supervisor that a source has sent the end of its stream."""

    def ring_own_bell(self) -> None:
        """Wake the worker's loop; may be called from any thread."""

    def ring_bells(self, sources: Sequence[int]) -> None:
        """Wake the workers of producers whose tickets may have come home."""


class Station(ABC):
    """One task of a node at work.

    Args:
        host: The worker.
        graph_node: The node in its graph.
        deal: Which frames this task takes.
        outlet: Where its outputs go.
        desk: Its slots.

    Attributes:
        steps_on_device: Whether ``step`` wants the node's device to be the current one.
        rest_seconds: How long news may gather after a ``step`` that had some.
    """

    steps_on_device: ClassVar[bool] = True
    rest_seconds: ClassVar[float] = 0.0

    def __init__(
        self, host: Host, graph_node: GraphNode, deal: Deal, outlet: Outlet, desk: Desk
    ) -> None:
        self.host = host
        self.index = graph_node.index
        self.name = graph_node.name
        self.node: Node = graph_node.node
        self.outlet = outlet
        self.desk = desk
        self.counters = host.board.tasks[graph_node.index, deal.task]
        self.is_done = False
        self.is_open = False
        self.num_threads = host.plan.nodes[graph_node.index].num_threads
        self.device = host.plan.nodes[graph_node.index].devices[deal.task]
        self._has_foreign_inputs = host.plan.gets_foreign_tensors(graph_node.index, deal.task)
        self.lanes = make_lanes(host.plan, graph_node, deal)
        self._by_lane = {lane.index: lane for lane in self.lanes}
        self._ports = _ports(graph_node)
        self._is_broken = False
        self._num_forgiven = 0
        self._failed = Marker(mark(Kind.FAILED, self.index))
        self._skipped = Marker(mark(Kind.SKIPPED, self.index))

    # Arrivals

    def inlet(self, port: int) -> StationInlet:
        """Return input ``port``, for a parent in the same worker."""
        return StationInlet(self, port)

    def port_lane(self, port: int, parent_lane: int) -> StationLane | None:
        """Return the lane here that ``parent_lane`` feeds through ``port``, if it is ours."""
        return self._by_lane.get(self._ports[port].get(parent_lane, -1))

    # Work

    @abstractmethod
    def step(self) -> bool:
        """Do a little work; return whether anything was done."""

    def due_seconds(self) -> float | None:
        """Return when ``step`` should be tried again even if nothing arrives, or None."""
        return None

    def _load(self, value: Any) -> tuple[Sequence[Any], list[AnyPlace]]:
        """Return the inputs of a call, and the places that they show."""
        if len(self._ports) == 1:
            if type(value) in PLAIN:
                return (value,), []
            loaded, places = self.host.loader.load(value)
            return (self._brought(loaded),), list(places)
        inputs: list[Any] = []
        all_places: list[AnyPlace] = []
        for one in value:
            loaded, places = self.host.loader.load(one)
            inputs.append(self._brought(loaded))
            all_places.extend(places)
        return inputs, all_places

    def _brought(self, value: Any) -> Any:
        """Return a value whose tensors are where the node's are.

        What lies in host memory stays there: a node on a GPU uploads what it needs.
        """
        if not self._has_foreign_inputs:
            return value
        return moved(value, self.host.rings.devices, self.device)

    def _send(  # noqa: PLR0913 - a run, in its two forms
        self,
        lane: StationLane,
        seq: int,
        stride: int,
        window: int,
        packed: list[Any],
        kept: list[Any],
    ) -> None:
        """Send a run of outputs to all who take them, packed to other processes."""
        self.counters[ITEMS] += len(packed or kept)
        self.outlet.put(lane.index, seq, stride, window, packed, kept)

    def _pack(
        self,
        lane: StationLane,
        seq: int,
        output: Any,
        places: Sequence[AnyPlace],
        item: int = 0,
    ) -> Any:
        """Return an output as messages carry it; one that cannot be pickled has failed."""
        try:
            return pack(
                output,
                places,
                lambda num_bytes, device: self.desk.new_slot(num_bytes, device, item),
                self.host.rings.devices,
            )
        except Exception as error:
            return self._fail(lane.name, seq, error)

    def on_device(self) -> AbstractContextManager[Any]:
        """Make the node's device, if it has one, the thread's current one."""
        if is_on_gpu(self.device):
            return self.host.rings.devices[self.device].activate()
        return nullcontext()

    # Ends

    def _finish(self, lane: StationLane) -> bool:
        """Send the end of a lane on; return whether that was possible now."""
        self._end_lane(lane, lane.total)
        return True

    def _end_lane(self, lane: StationLane, total: int) -> None:
        ending: Ending = "failed" if self._is_broken else lane.ending
        lane.is_over = True
        self.outlet.end(lane.index, total, ending)

    # Errors

    def _fail(self, stream: str | None, seq: int | None, error: BaseException) -> Marker:
        """Deal with an exception of the node by its policy; return the frame's marker."""
        self.counters[FAILED] += 1
        options = self.node.options
        self._num_forgiven += 1
        limit = options["max_failures"]
        if options["on_error"] == "skip" and (limit is None or self._num_forgiven <= limit):
            return self._failed
        if not self._is_broken:
            self._is_broken = True
            self.host.report_error(
                self.index, node_error(self, stream=stream, frame_index=seq, error=error)
            )
        return self._failed

    def guarded(self, what: Callable[[], None], *, stream: str | None = None) -> bool:
        """Call a method of the node that belongs to no frame; return whether it went well."""
        try:
            what()
        except Exception as error:
            self._is_broken = True
            self.host.report_error(
                self.index, node_error(self, stream=stream, frame_index=None, error=error)
            )
            return False
        return True

    def open(self) -> bool:
        """Open the node; return whether that went well."""
        self.node._runtime = self.desk
        self.is_open = self.guarded(self.node.open)
        return self.is_open

    def close(self) -> None:
        """Close the node, once, if it was opened."""
        if self.is_open:
            self.is_open = False
            self.guarded(self.node.close)


def node_error(
    station: Station, *, stream: str | None, frame_index: int | None, error: BaseException
) -> NodeError:
    """Return ``error`` as the caller of ``join`` will see it."""
    where = f"node {station.name!r}, worker {station.host.worker_name!r}"
    if stream is not None:
        where += f", stream {stream!r}"
    if frame_index is not None:
        where += f", frame {frame_index}"
    return NodeError(
        f"flow {station.host.plan.graph.name!r}, {where}: {type(error).__name__}: {error}",
        node=station.name,
        worker=station.host.worker_name,
        stream=stream,
        frame_index=frame_index,
        remote_traceback="".join(traceback.format_exception(error)),
        is_wrong_input=isinstance(error, ConfigError | SourceError) and not frame_index,
    )


def _ports(graph_node: GraphNode) -> tuple[dict[int, int], ...]:
    """Return, for each input, the lane of the parent to the lane here."""
    return tuple({feed.parent_lane: feed.lane for feed in port} for port in graph_node.ports)
