"""On which device each node's tensors are.

A frame's whole way stays on one device: what follows a node on a GPU is on that GPU, as long
as nobody says otherwise. Nodes that take boxes and no pictures are on the CPU. Parts of a flow
that have nothing to do with each other are dealt to the GPUs in turn; where many streams meet,
the streams are, and each GPU has its own copy of the nodes that can have several tasks.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from videoflow.core.graph import Graph, GraphNode
from videoflow.core.node import (
    BatchProcessorNode,
    PerStreamProcessorNode,
    ProcessorNode,
    ProducerNode,
)
from videoflow.errors import GraphError
from videoflow.runtime.gpus import Gpu

__all__ = ["is_on_gpu", "site"]


def is_on_gpu(device: str) -> bool:
    """Say whether ``device``, of a plan, is an accelerator."""
    return device != "cpu"


def site(
    graph: Graph, find_gpus: Callable[[], Sequence[Gpu]], *, may_spread: bool = True
) -> tuple[tuple[str, ...], ...]:
    """Return the devices of each node, one for each of its tasks: ``cpu``, or a GPU's name.

    Where streams meet and there are several GPUs, each GPU gets its own copy of the chain:
    a node has then as many tasks for each GPU as it asked for, and task t takes the lanes
    whose index leaves t when divided by the number of its tasks.

    Args:
        graph: A checked flow.
        find_gpus: Returns the GPUs; called only where a node wants one.
        may_spread: Whether a node may have tasks on several GPUs.

    Raises:
        GraphError: A node names a GPU that is not there.
    """
    if not any(_wants_gpu(node) for node in graph.nodes):
        return tuple(("cpu",) * node.node.options["nb_tasks"] for node in graph.nodes)
    gpus = tuple(gpu.name for gpu in find_gpus())
    parts = _parts(graph)
    devices: list[tuple[str, ...]] = []
    spread: set[int] = set()
    for node in graph.nodes:
        part = parts[node.index]
        shared = gpus[: _num_to_share(graph, parts, part)] if may_spread else ()
        devices.append(_devices(graph, node, gpus, devices, part=part))
        if len(shared) > 1 and _is_spreadable(graph, node, devices, spread):
            devices[-1] = shared if is_on_gpu(devices[-1][0]) else ("cpu",) * len(shared)
            devices[-1] *= int(node.node.options["nb_tasks"])
            spread.add(node.index)
        elif len(shared) > 1 and _is_free_source(node, devices[-1]):
            devices[-1] = (shared[node.lanes[0] % len(shared)],)
    return tuple(devices)


def _devices(
    graph: Graph,
    node: GraphNode,
    gpus: Sequence[str],
    above: Sequence[tuple[str, ...]],
    *,
    part: int,
) -> tuple[str, ...]:
    """Return the devices of a node that is not spread; ``above`` has those of its parents."""
    option, num_tasks = node.node.options["device"], node.node.options["nb_tasks"]
    parents = [above[parent][0] for parent in graph.parents(node.index)]
    inherited = next((device for device in parents if is_on_gpu(device)), None)
    device = "cpu"
    if option not in ("auto", "cpu"):
        device = _named(graph, node, gpus)
    elif option == "auto" and node.node.auto_device != "cpu" and inherited:
        device = inherited
    elif option == "auto" and node.node.auto_device == "gpu" and gpus:
        device = gpus[part % len(gpus)]
    return (device,) * num_tasks


def _num_to_share(graph: Graph, parts: Sequence[int], part: int) -> int:
    """Return how many GPUs a part can use: one for each stream, where none are paired."""
    here = [node for node in graph.nodes if parts[node.index] == part]
    lanes = {lane for node in here for lane in node.lanes}
    is_paired = any(len(graph.lanes[lane].sources) > 1 for lane in lanes)
    return 1 if is_paired else len(lanes)


def _is_free_source(node: GraphNode, devices: Sequence[str]) -> bool:
    is_auto = node.node.options["device"] == "auto"
    return isinstance(node.node, ProducerNode) and is_auto and is_on_gpu(devices[0])


def _is_spreadable(
    graph: Graph, node: GraphNode, devices: Sequence[tuple[str, ...]], spread: Collection[int]
) -> bool:
    """Say whether a node may have tasks for each GPU.

    Args:
        graph: The flow.
        node: A node of it.
        devices: Its devices, and those of all nodes above.
        spread: Which of those above have such tasks.
    """
    what, parents = node.node, graph.parents(node.index)
    has_tasks = isinstance(what, BatchProcessorNode | PerStreamProcessorNode) or (
        isinstance(what, ProcessorNode)
        and what.is_stateless
        and type(what).flush is ProcessorNode.flush
    )
    is_free = what.options["device"] == "auto" and node.module is None
    follows = all(
        p in spread
        or not is_on_gpu(devices[p][0])
        or isinstance(graph.nodes[p].node, ProducerNode)
        for p in parents
    )
    gains = is_on_gpu(devices[node.index][0]) or (
        what.auto_device == "cpu" and any(p in spread for p in parents)
    )
    return has_tasks and is_free and follows and gains


def _wants_gpu(node: GraphNode) -> bool:
    option = node.node.options["device"]
    return option.startswith("cuda") or (option == "auto" and node.node.auto_device == "gpu")


def _named(graph: Graph, node: GraphNode, gpus: Sequence[str]) -> str:
    option = node.node.options["device"]
    name = f"{option}:0" if ":" not in option else option
    if name in gpus:
        return str(name)
    raise GraphError(
        f"flow {graph.name!r}, node {node.name!r}: got device={option!r}, "
        f"and there are {len(gpus)} GPUs",
        help="device='auto' takes a GPU if there is one, and the CPU if not; "
        "`videoflow doctor` says what is missing",
    )


def _parts(graph: Graph) -> list[int]:
    """Return for each node the number of the connected part of the graph that it is in."""
    parts = list(range(len(graph.nodes)))

    def root(index: int) -> int:
        while parts[index] != index:
            index = parts[index]
        return index

    for node in graph.nodes:
        for port in node.ports:
            for feed in port:
                parts[root(node.index)] = root(feed.parent)
    roots = [root(index) for index in range(len(parts))]
    numbers = {one: number for number, one in enumerate(dict.fromkeys(roots))}
    return [numbers[one] for one in roots]
