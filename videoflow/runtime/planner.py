"""Decide how a graph runs on this machine: workers, devices, batches and tickets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import get_args

from videoflow.core.batching import BatchPolicy
from videoflow.core.graph import Graph, GraphNode
from videoflow.core.node import (
    BatchProcessorNode,
    PerStreamProcessorNode,
    ProcessorNode,
    ProducerNode,
)
from videoflow.errors import GraphError
from videoflow.runtime.deal import DealBy
from videoflow.runtime.gpus import Gpu, visible_gpus
from videoflow.runtime.marks import MAX_NODES
from videoflow.runtime.placement import Placement, WorkerPlan, num_cores, place
from videoflow.runtime.plan import Exit, NodePlan, Plan, SourcePlan
from videoflow.runtime.siting import is_on_gpu, site

__all__ = ["LIGHT_TICKETS", "REALTIME_TICKETS", "make_plan"]

LIGHT_TICKETS = 1024
"""Tickets of a stream while nothing large travels: small items go in large messages."""

REALTIME_TICKETS = 3
"""Frames of a stream in flight in a realtime flow: one in work, one waiting, one going out."""


def make_plan(
    graph: Graph,
    *,
    placement: Placement = "auto",
    tickets: int | None = None,
    find_gpus: Callable[[], Sequence[Gpu]] = visible_gpus,
) -> Plan:
    """Decide how ``graph`` runs on this machine.

    Args:
        graph: A checked flow.
        placement: ``process``: each node its own process; ``fused``: one worker for all;
            ``auto``: light nodes join a neighbour, and sources of one GPU each other.
        tickets: Frames of a stream in flight; None for the planner's choice.
        find_gpus: Returns the GPUs; called only where a node wants one.

    Returns:
        The plan.

    Raises:
        GraphError: ``placement`` or ``tickets`` make no sense, or a GPU is not there.
    """
    if placement not in get_args(Placement):
        raise GraphError(
            f"flow {graph.name!r}: got placement={placement!r}, "
            f"want one of {', '.join(get_args(Placement))}"
        )
    if tickets is not None and (not isinstance(tickets, int) or tickets < 1):
        raise GraphError(f"flow {graph.name!r}: got tickets={tickets!r}, want an int >= 1")
    if len(graph.nodes) > MAX_NODES:
        raise GraphError(
            f"flow {graph.name!r}: got {len(graph.nodes)} nodes, want at most {MAX_NODES}",
            help="make several flows of it",
        )
    for node in graph.nodes:
        _check_tasks(graph, node)
    devices = site(graph, find_gpus, may_spread=placement != "fused")
    workers, homes = place(graph, placement, devices)
    notes: list[str] = []
    sizes = _batch_sizes(graph, homes, tickets, notes)
    exits = _exits(graph)
    return Plan(
        graph=graph,
        placement=placement,
        workers=workers,
        nodes=tuple(
            replace(
                _node_plan(
                    n,
                    homes[n.index],
                    sizes,
                    exits,
                    _deal_by(graph, workers, homes[n.index], devices),
                ),
                devices=_task_devices(devices[n.index], len(homes[n.index])),
            )
            for n in graph.nodes
        ),
        sources=tuple(
            replace(
                _source_plan(graph, source, homes, sizes, exits, tickets),
                shares_worker=_shares_worker(graph, workers[homes[source][0]], source, devices),
            )
            for source in graph.sources
        ),
        exits=exits,
        notes=tuple(notes),
    )


def _check_tasks(graph: Graph, node: GraphNode) -> None:
    """Refuse tasks and restarts that a kind of node cannot have."""
    options, what = node.node.options, node.node
    where = f"flow {graph.name!r}, node {node.name!r}"
    if options["nb_tasks"] > 1 and isinstance(what, ProducerNode):
        raise GraphError(
            f"{where}: got nb_tasks={options['nb_tasks']}, want 1: a producer is one stream",
            help="make several producers and merge them: Streams(one, other)",
        )
    is_stateless = isinstance(what, BatchProcessorNode) or (
        isinstance(what, ProcessorNode)
        and what.is_stateless
        and type(what).flush is ProcessorNode.flush
    )
    if is_stateless:
        return
    if options["restarts"]:
        raise GraphError(
            f"{where}: got restarts={options['restarts']}, want 0: only a processor without "
            "state and without flush() can be started again"
        )
    if options["nb_tasks"] > 1 and not isinstance(what, PerStreamProcessorNode):
        raise GraphError(
            f"{where}: got nb_tasks={options['nb_tasks']}, want 1: it keeps one state",
            help="a PerStreamProcessorNode can share its streams among tasks",
        )


def _exits(graph: Graph) -> tuple[Exit, ...]:
    pairs = [
        (node.index, lane) for node in graph.nodes if node.index in node.consumers
        for lane in node.lanes
    ]  # fmt: skip
    return tuple(
        Exit(i, consumer, lane, graph.lanes[lane].sources)
        for i, (consumer, lane) in enumerate(pairs)
    )


def _batch_sizes(
    graph: Graph, homes: Sequence[Sequence[int]], tickets: int | None, notes: list[str]
) -> dict[int, int]:
    """Return the batch size of each batch node, lowered where ``tickets`` are too few."""
    sizes = {
        n.index: n.node.max_batch_size
        for n in graph.nodes
        if isinstance(n.node, BatchProcessorNode)
    }
    if tickets is None or graph.flow_type == "realtime" or not sizes:
        return sizes
    need = max(_tickets_to_fill(graph, homes, sizes))
    if need <= tickets:
        return sizes
    lowered = dict(sizes)
    while max(_tickets_to_fill(graph, homes, lowered)) > tickets and max(lowered.values()) > 1:
        largest = max(lowered, key=lowered.__getitem__)
        lowered[largest] -= 1
    for index, size in sizes.items():
        if lowered[index] < size:
            notes.append(
                f"{graph.nodes[index].name}: batch lowered from {size} to {lowered[index]}, "
                f"because {tickets} tickets cannot fill it (want {need})"
            )
    return lowered


def _tickets_to_fill(
    graph: Graph, homes: Sequence[Sequence[int]], sizes: Mapping[int, int]
) -> list[int]:
    """Return, for each node, the tickets that fill all batches on the longest way to it.

    Each task of a batch node holds up to two batches of turns (``BatchPolicy.max_turns``),
    and each worker on the way one frame.
    """
    batches: list[int] = []
    paths: list[frozenset[int]] = []
    for node in graph.nodes:
        above = {feed.parent for port in node.ports for feed in port}
        mine = sizes.get(node.index, 0) * _every(node) * len(homes[node.index])
        batches.append(max((batches[p] for p in above), default=0) + mine)
        longest = max((paths[p] for p in above), key=len, default=frozenset[int]())
        paths.append(longest | frozenset(homes[node.index]))
    return [2 * batch + len(path) for batch, path in zip(batches, paths, strict=True)]


def _node_plan(
    node: GraphNode,
    homes: Sequence[int],
    sizes: dict[int, int],
    exits: Sequence[Exit],
    deal_by: DealBy,
) -> NodePlan:
    batch = None
    if isinstance(node.node, BatchProcessorNode):
        size = sizes[node.index]
        batch = BatchPolicy(
            max_batch_size=size,
            max_turns=2 * size * node.node.every if size > 1 else 1,
            max_delay_seconds=node.node.max_delay_seconds,
            max_per_stream=node.node.max_per_stream,
            max_staleness_seconds=node.node.max_staleness_seconds,
        )
    threads = node.node.options["num_threads"]
    return NodePlan(
        index=node.index,
        name=node.name,
        workers=tuple(homes),
        devices=(),
        num_threads=threads or (max(1, num_cores() // len(sizes)) if batch else 1),
        batch=batch,
        deal_by=deal_by,
        exits=tuple(e.index for e in exits if e.consumer in node.consumers),
    )


def _every(node: GraphNode) -> int:
    return node.node.every if isinstance(node.node, BatchProcessorNode) else 1


def _task_devices(devices: Sequence[str], num_tasks: int) -> tuple[str, ...]:
    """Return the device of each task; a mate has as many tasks as its group."""
    return tuple(devices[task % len(devices)] for task in range(num_tasks))


def _deal_by(
    graph: Graph,
    workers: Sequence[WorkerPlan],
    homes: Sequence[int],
    devices: Sequence[Sequence[str]],
) -> DealBy:
    """Return how the frames of a group are dealt.

    A state for each stream wants whole lanes, and so does a stream that stays on its GPU.
    """
    mates = workers[homes[0]].nodes
    has_states = any(isinstance(graph.nodes[i].node, PerStreamProcessorNode) for i in mates)
    is_spread = any(len(set(devices[i])) > 1 for i in mates)
    return "lane" if has_states or is_spread else "seq"


def _source_plan(  # noqa: PLR0913 - the facts that a source depends on
    graph: Graph,
    source: int,
    homes: Sequence[Sequence[int]],
    sizes: dict[int, int],
    exits: Sequence[Exit],
    tickets: int | None,
) -> SourcePlan:
    node = graph.nodes[source].node
    assert isinstance(node, ProducerNode)
    need = _tickets_to_fill(graph, homes, sizes)
    reached = max(need[c] for c in graph.nodes[source].consumers)
    is_realtime = graph.flow_type == "realtime"
    heavy = tickets or (REALTIME_TICKETS if is_realtime else max(reached, 2))
    return SourcePlan(
        node=source,
        stream=graph.stream_name(source),
        tickets=heavy,
        max_tickets=heavy if tickets or is_realtime else max(heavy, LIGHT_TICKETS),
        exits=tuple(e.index for e in exits if source in e.sources),
        num_items=node.num_items,
    )


def _shares_worker(
    graph: Graph, worker: WorkerPlan, source: int, devices: Sequence[Sequence[str]]
) -> bool:
    num_sources = sum(isinstance(graph.nodes[i].node, ProducerNode) for i in worker.nodes)
    return num_sources > 1 and is_on_gpu(devices[source][0])
