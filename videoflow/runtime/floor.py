"""The stations of one worker, connected with each other and with the channels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from videoflow.core.graph import GraphNode
from videoflow.core.node import (
    BatchProcessorNode,
    ConsumerNode,
    PerStreamProcessorNode,
    ProducerNode,
)
from videoflow.runtime.batch_station import BatchStation
from videoflow.runtime.channel import ChannelWriter
from videoflow.runtime.consumer_station import ConsumerStation
from videoflow.runtime.desk import Desk
from videoflow.runtime.door import BatchDoor, RealtimeDoor
from videoflow.runtime.outlet import Outlet
from videoflow.runtime.plan import Plan
from videoflow.runtime.rings import NodeRings
from videoflow.runtime.station import Host, Station
from videoflow.runtime.station_inlet import StationInlet
from videoflow.runtime.stations import PerStreamStation, ProcessorStation

__all__ = ["Floor", "FloorHost", "build_stations"]


class FloorHost(Host, Protocol):
    """What the floor needs of its worker."""

    writers: dict[int, ChannelWriter]

    def own_rings(self, node: int) -> NodeRings:
        """Return the rings that one of the worker's nodes writes."""

    def report_note(self, text: str) -> None:
        """Tell the supervisor of a remark for the report."""


@dataclass(frozen=True, slots=True)
class Floor:
    """The stations of a worker.

    Attributes:
        stations: Parents first.
        inlets: Node in another worker to the inputs here that it feeds.
    """

    stations: tuple[Station, ...]
    inlets: dict[int, tuple[StationInlet, ...]]


def build_stations(host: FloorHost, plan: Plan, worker: int) -> Floor:
    """Return the stations of ``worker``, connected.

    Args:
        host: The worker.
        plan: What runs.
        worker: Index of the worker.
    """
    here = plan.workers[worker]
    stations = {i: _station(host, plan, plan.graph.nodes[i], here.task) for i in here.nodes}
    inlets: dict[int, list[StationInlet]] = {}
    for index, station in stations.items():
        for port, feeds in enumerate(plan.graph.nodes[index].ports):
            inlet = station.inlet(port)
            for parent in {feed.parent for feed in feeds}:
                lanes = frozenset(f.parent_lane for f in feeds if f.parent == parent)
                if parent in stations:
                    stations[parent].outlet.add_local(inlet, lanes)
                else:
                    inlets.setdefault(parent, []).append(inlet)
    for index, station in stations.items():
        _connect_remotes(host, plan, index, station, worker)
    return Floor(tuple(stations.values()), {n: tuple(found) for n, found in inlets.items()})


def _connect_remotes(
    host: FloorHost, plan: Plan, index: int, station: Station, worker: int
) -> None:
    """Connect a station with every other worker in which a child lives."""
    lanes_of: dict[int, set[int]] = {}
    for child in plan.graph.children(index):
        if _is_shared_group(plan, index, child):
            continue
        feeds = [
            feed
            for port in plan.graph.nodes[child].ports
            for feed in port
            if feed.parent == index
        ]
        for task, home in enumerate(plan.nodes[child].workers):
            deal = plan.nodes[child].deal(task)
            mine = {feed.parent_lane for feed in feeds if deal.takes_lane(feed.lane)}
            if home != worker and mine:
                lanes_of.setdefault(home, set()).update(mine)
    for home, lanes in lanes_of.items():
        there = plan.workers[home]
        deal = plan.nodes[there.nodes[0]].deal(there.task)
        station.outlet.add_remote(host.writers[home], deal, frozenset(lanes))


def _is_shared_group(plan: Plan, parent: int, child: int) -> bool:
    """Say whether both nodes are dealt to the same workers: then each keeps to its own."""
    return plan.nodes[parent].workers == plan.nodes[child].workers


def _station(host: FloorHost, plan: Plan, graph_node: GraphNode, task: int) -> Station:
    index = graph_node.index
    desk = Desk(
        rings=host.own_rings(index),
        device=plan.nodes[index].devices[task],
        say_large=lambda: _say_large(host, plan, graph_node),
        say_note=lambda text: host.report_note(f"{graph_node.name}: {text}"),
    )
    node = graph_node.node
    kind: type[Station]
    if isinstance(node, ProducerNode):
        kind = RealtimeDoor if plan.graph.flow_type == "realtime" else BatchDoor
    elif isinstance(node, ConsumerNode):
        kind = ConsumerStation
    elif isinstance(node, BatchProcessorNode):
        kind = BatchStation
    elif isinstance(node, PerStreamProcessorNode):
        kind = PerStreamStation
    else:
        kind = ProcessorStation
    deal = plan.nodes[index].deal(task)
    return kind(host, graph_node, deal, Outlet(index, task), desk)


def _say_large(host: FloorHost, plan: Plan, graph_node: GraphNode) -> None:
    """Tell the doors that large arrays travel, so that they count tickets by memory."""
    for lane in graph_node.lanes:
        for source in plan.graph.lanes[lane].sources:
            host.board.large[source][0] = 1
