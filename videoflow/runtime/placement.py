"""Which node lives in which worker."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from videoflow.core.graph import Graph, GraphNode
from videoflow.core.node import BatchProcessorNode, ProducerNode
from videoflow.runtime.siting import is_on_gpu

__all__ = ["Placement", "WorkerPlan", "num_cores", "place"]

Placement = Literal["auto", "process", "fused"]

MAX_READERS = 8
"""The most sources of one GPU in one worker.

More than the seven decoders of the largest GPU, so that one worker can keep them all at work. A
worker costs a CUDA context; but its threads share one Python lock, and end with it.
"""

CORES_PER_ROOM = 4
"""One worker for sources for so many cores, as long as each has a source: what the host does
for a frame takes about as long in a reader as in the detector, which has only one core, and the
Python lock of eight readers would be what bounds them (docs/gpu.md has the figures)."""


_Room = tuple[str, int]  # a GPU, and which of its workers for sources


@dataclass(frozen=True, slots=True)
class WorkerPlan:
    """A process.

    Attributes:
        index: Position in ``Plan.workers``.
        name: For messages: the names of its nodes, and the task's number where there are
            several.
        nodes: Indices of its nodes, parents first.
        task: Which share of its nodes' frames it takes.
        restarts: How often it may be started again.
        preload: Modules that its nodes need and that are slow to import.
    """

    index: int
    name: str
    nodes: tuple[int, ...]
    task: int
    restarts: int
    preload: tuple[str, ...]


def place(
    graph: Graph, placement: Placement, devices: Sequence[Sequence[str]]
) -> tuple[tuple[WorkerPlan, ...], tuple[tuple[int, ...], ...]]:
    """Deal the nodes of ``graph`` to workers.

    Args:
        graph: A checked flow.
        placement: See ``make_plan``.
        devices: For each node, where its tasks are; each has a worker, except under ``fused``.

    Returns:
        The workers, and for each node the indices of its workers, one for each task.
    """
    num_tasks = [len(there) for there in devices]
    rooms = _reading_rooms(graph, devices) if placement == "auto" else {}
    groups = _groups(graph, placement, num_tasks, rooms)
    workers: list[WorkerPlan] = []
    homes: list[tuple[int, ...]] = [()] * len(graph.nodes)
    for group in groups:
        nodes = [graph.nodes[i] for i in group]
        num = 1 if placement == "fused" else num_tasks[nodes[0].index]
        first = len(workers)
        for task in range(num):
            name = "+".join(n.name for n in nodes)
            workers.append(
                WorkerPlan(
                    index=first + task,
                    name=f"{name}.{task}" if num > 1 else name,
                    nodes=tuple(group),
                    task=task,
                    restarts=nodes[0].node.options["restarts"],
                    preload=tuple(dict.fromkeys(m for n in nodes for m in n.node.preload)),
                )
            )
        for i in group:
            homes[i] = tuple(range(first, first + num))
    return tuple(workers), tuple(homes)


def _reading_rooms(graph: Graph, devices: Sequence[Sequence[str]]) -> dict[int, _Room]:
    """Return which sources share a worker: those of one GPU, in rooms of about one size.

    There are as many rooms as the cores are good for, and more if they would be too full.
    """
    readers: dict[str, list[int]] = {}
    for node in graph.nodes:
        device = devices[node.index][0]
        if isinstance(node.node, ProducerNode) and node.module is None and is_on_gpu(device):
            readers.setdefault(device, []).append(node.index)
    rooms: dict[int, _Room] = {}
    for device, here in readers.items():
        num_good = num_cores() // (CORES_PER_ROOM * len(readers))
        num_rooms = max(-(-len(here) // MAX_READERS), min(len(here), num_good))
        for number, index in enumerate(here):
            rooms[index] = (device, number * num_rooms // len(here))
    return rooms


def _groups(
    graph: Graph,
    placement: Placement,
    num_tasks: Sequence[int],
    rooms: Mapping[int, _Room],
) -> list[list[int]]:
    groups: list[list[int]] = []
    group_of: dict[int, list[int]] = {}
    for node in graph.nodes:
        mates = (
            i for i in group_of if node.index in rooms and rooms.get(i) == rooms[node.index]
        )
        mate = next(mates, None)
        group = (
            group_of[mate]
            if mate is not None
            else _group_to_join(node, graph, group_of, placement, num_tasks)
        )
        if group is None:
            group = []
            groups.append(group)
        group.append(node.index)
        group_of[node.index] = group
    return groups


def _group_to_join(
    node: GraphNode,
    graph: Graph,
    group_of: dict[int, list[int]],
    placement: Placement,
    num_tasks: Sequence[int],
) -> list[int] | None:
    if node.module is not None:
        for mate in graph.nodes[: node.index]:
            if mate.module == node.module:
                return group_of[mate.index]
    if _stands_alone(node, placement, num_tasks):
        return None
    if placement == "fused":
        others = [
            i for i in group_of if not _stands_alone(graph.nodes[i], placement, num_tasks)
        ]
        return group_of[others[0]] if others else None
    if placement == "auto" and node.node.is_light:
        for port in node.ports:
            for feed in port:
                parent = graph.nodes[feed.parent]
                if _takes_guests(parent, placement, num_tasks):
                    return group_of[parent.index]
    return None


def _stands_alone(node: GraphNode, placement: Placement, num_tasks: Sequence[int]) -> bool:
    """Say whether ``node`` has a worker of its own, or several, under any placement."""
    if node.module is not None:
        return placement != "fused"
    has_tasks = placement != "fused" and num_tasks[node.index] > 1
    return node.node.options["restarts"] > 0 or has_tasks


def _takes_guests(node: GraphNode, placement: Placement, num_tasks: Sequence[int]) -> bool:
    is_busy = (
        isinstance(node.node, ProducerNode | BatchProcessorNode) and not node.node.is_light
    )
    return not is_busy and not _stands_alone(node, placement, num_tasks)


def num_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0))
