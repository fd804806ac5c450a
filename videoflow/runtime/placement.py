"""Which node lives in which worker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from videoflow.core.graph import Graph, GraphNode
from videoflow.core.node import BatchProcessorNode, ProducerNode

__all__ = ["Placement", "WorkerPlan", "place"]

Placement = Literal["auto", "process", "fused"]


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
    graph: Graph, placement: Placement
) -> tuple[tuple[WorkerPlan, ...], tuple[tuple[int, ...], ...]]:
    """Deal the nodes of ``graph`` to workers.

    Args:
        graph: A checked flow.
        placement: See ``make_plan``.

    Returns:
        The workers, and for each node the indices of its workers, one for each task.
    """
    groups = _groups(graph, placement)
    workers: list[WorkerPlan] = []
    homes: list[tuple[int, ...]] = [()] * len(graph.nodes)
    for group in groups:
        nodes = [graph.nodes[i] for i in group]
        num_tasks = 1 if placement == "fused" else nodes[0].node.options["nb_tasks"]
        first = len(workers)
        for task in range(num_tasks):
            name = "+".join(n.name for n in nodes)
            workers.append(
                WorkerPlan(
                    index=first + task,
                    name=f"{name}.{task}" if num_tasks > 1 else name,
                    nodes=tuple(group),
                    task=task,
                    restarts=nodes[0].node.options["restarts"],
                    preload=tuple(dict.fromkeys(m for n in nodes for m in n.node.preload)),
                )
            )
        for i in group:
            homes[i] = tuple(range(first, first + num_tasks))
    return tuple(workers), tuple(homes)


def _groups(graph: Graph, placement: Placement) -> list[list[int]]:
    groups: list[list[int]] = []
    group_of: dict[int, list[int]] = {}
    for node in graph.nodes:
        group = _group_to_join(node, graph, group_of, placement)
        if group is None:
            group = []
            groups.append(group)
        group.append(node.index)
        group_of[node.index] = group
    return groups


def _group_to_join(
    node: GraphNode, graph: Graph, group_of: dict[int, list[int]], placement: Placement
) -> list[int] | None:
    if node.module is not None:
        for mate in graph.nodes[: node.index]:
            if mate.module == node.module:
                return group_of[mate.index]
    if stands_alone(node, placement):
        return None
    if placement == "fused":
        others = [i for i in group_of if not stands_alone(graph.nodes[i], placement)]
        return group_of[others[0]] if others else None
    if placement == "auto" and node.node.is_light:
        for port in node.ports:
            for feed in port:
                parent = graph.nodes[feed.parent]
                if _takes_guests(parent, placement):
                    return group_of[parent.index]
    return None


def stands_alone(node: GraphNode, placement: Placement) -> bool:
    """Say whether ``node`` has a worker of its own, or several, under any placement."""
    if node.module is not None:
        return placement != "fused"
    options = node.node.options
    return options["restarts"] > 0 or (placement != "fused" and options["nb_tasks"] > 1)


def _takes_guests(node: GraphNode, placement: Placement) -> bool:
    is_busy = (
        isinstance(node.node, ProducerNode | BatchProcessorNode) and not node.node.is_light
    )
    return not is_busy and not stands_alone(node, placement)
