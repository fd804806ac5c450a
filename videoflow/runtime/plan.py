"""How a flow will run: which node lives in which worker, with how many tickets.

A plan is a value that can be printed, pickled and sent elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from videoflow.core.batching import BatchPolicy
from videoflow.core.graph import Graph
from videoflow.core.node import (
    Node,
)
from videoflow.runtime.deal import Deal, DealBy
from videoflow.runtime.device import CUDA
from videoflow.runtime.placement import Placement, WorkerPlan
from videoflow.runtime.siting import is_on_gpu

__all__ = ["Exit", "NodePlan", "Plan", "SourcePlan"]


class _Elsewhere(Node):
    """Stands for a node that lives in another worker."""


_ELSEWHERE = _Elsewhere(name="elsewhere")


@dataclass(frozen=True, slots=True)
class Exit:
    """Where the frames of one lane leave the flow.

    Attributes:
        index: Position in ``Plan.exits``.
        consumer: Index of the consumer.
        lane: Index of the lane.
        sources: Indices of the producers whose tickets come home here.
    """

    index: int
    consumer: int
    lane: int
    sources: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class NodePlan:
    """How one node runs.

    Attributes:
        index: Position in the graph.
        name: The node's name.
        workers: Index of the worker of each task.
        devices: Where the tensors of each task are: ``cpu``, or a GPU by its name.
        num_threads: For torch, inside the node's calls.
        batch: When a batch is closed, for a batch node.
        deal_by: Whether its tasks share frames or whole lanes.
        exits: Indices of the exits that it reaches.
    """

    index: int
    name: str
    workers: tuple[int, ...]
    devices: tuple[str, ...]
    num_threads: int
    batch: BatchPolicy | None
    deal_by: DealBy
    exits: tuple[int, ...]

    def deal(self, task: int) -> Deal:
        """Return which frames a task takes."""
        return Deal(task, len(self.workers), self.deal_by)

    def device_of(self, lane: int) -> str:
        """Return the device of the task that takes ``lane``, or the first that shares it."""
        tasks = range(len(self.workers))
        return self.devices[next(t for t in tasks if self.deal(t).takes_lane(lane))]

    def num_writers(self, lane: int) -> int:
        """Return how many tasks send ``lane`` on."""
        return sum(self.deal(task).takes_lane(lane) for task in range(len(self.workers)))


@dataclass(frozen=True, slots=True)
class SourcePlan:
    """How the frames of one producer enter the flow.

    Attributes:
        node: Index of the producer.
        stream: Name of the stream.
        tickets: Frames in flight while large arrays travel.
        max_tickets: Frames in flight while nothing large travels.
        exits: Indices of the exits where its tickets come home.
        num_items: How many items will come, or None.
    """

    node: int
    stream: str
    tickets: int
    max_tickets: int
    exits: tuple[int, ...]
    num_items: int | None


@dataclass(frozen=True, slots=True)
class Plan:
    """How a flow will run.

    Attributes:
        graph: What runs.
        placement: How nodes were dealt to workers.
        workers: The processes.
        nodes: One for each node of the graph.
        sources: One for each producer.
        exits: Where tickets come home.
        notes: What the planner changed, in words.
        device_kinds: What a device's name begins with, to ``module:Class`` of what drives it.
    """

    graph: Graph
    placement: Placement
    workers: tuple[WorkerPlan, ...]
    nodes: tuple[NodePlan, ...]
    sources: tuple[SourcePlan, ...]
    exits: tuple[Exit, ...]
    notes: tuple[str, ...]
    device_kinds: Mapping[str, str] = field(default_factory=lambda: {"cuda": CUDA})

    def source(self, node: int) -> SourcePlan:
        """Return the plan of the producer with index ``node``."""
        return next(source for source in self.sources if source.node == node)

    def nodes_above(self, nodes: Iterable[int]) -> set[int]:
        """Return ``nodes`` and all nodes that they hear of, directly or not."""
        seen: set[int] = set()
        stack = list(nodes)
        while stack:
            index = stack.pop()
            if index not in seen:
                seen.add(index)
                stack += self.graph.parents(index)
        return seen

    def gets_foreign_tensors(self, node: int, task: int) -> bool:
        """Say whether tensors of another device than the task's may reach it."""
        here = self.nodes[node]
        deal = here.deal(task)
        lanes = [lane for lane in self.graph.nodes[node].lanes if deal.takes_lane(lane)]
        devices = {device for lane in lanes for device in self._devices_above(node, lane)}
        return any(is_on_gpu(device) for device in devices - {here.devices[task]})

    def _devices_above(self, node: int, lane: int) -> set[str]:
        """Return where the inputs of ``node`` in ``lane``, and theirs, may lie."""
        found: set[str] = set()
        stack = [(node, lane)]
        while stack:
            index, here = stack.pop()
            for port in self.graph.nodes[index].ports:
                for feed in port:
                    if feed.lane == here:
                        found.add(self.nodes[feed.parent].device_of(feed.parent_lane))
                        stack.append((feed.parent, feed.parent_lane))
        return found

    def without_nodes(self) -> Plan:
        """Return the plan without what users made: small, and the same for all workers."""
        bare = tuple(replace(node, node=_ELSEWHERE) for node in self.graph.nodes)
        return replace(self, graph=replace(self.graph, nodes=bare))

    def with_nodes(self, nodes: Mapping[int, Node]) -> Plan:
        """Return the plan with some of its nodes put back."""
        known = tuple(
            replace(node, node=nodes.get(node.index, node.node)) for node in self.graph.nodes
        )
        return replace(self, graph=replace(self.graph, nodes=known))
