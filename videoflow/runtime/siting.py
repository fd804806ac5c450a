"""On which device each node's tensors are.

A frame's whole way stays on one device: what follows a node on a GPU is on that GPU, as long
as nobody says otherwise. Parts of a flow that have nothing to do with each other are dealt to
the GPUs in turn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from videoflow.core.graph import Graph, GraphNode
from videoflow.errors import GraphError
from videoflow.runtime.gpus import Gpu

__all__ = ["is_on_gpu", "site"]


def is_on_gpu(device: str) -> bool:
    """Say whether ``device``, of a plan, is an accelerator."""
    return device != "cpu"


def site(graph: Graph, find_gpus: Callable[[], Sequence[Gpu]]) -> tuple[str, ...]:
    """Return the device of each node: ``cpu``, or a GPU by its name.

    Args:
        graph: A checked flow.
        find_gpus: Returns the GPUs; called only where a node wants one.

    Raises:
        GraphError: A node names a GPU that is not there.
    """
    if not any(_wants_gpu(node) for node in graph.nodes):
        return ("cpu",) * len(graph.nodes)
    gpus = tuple(gpu.name for gpu in find_gpus())
    part_of = _parts(graph)
    devices: list[str] = []
    for node in graph.nodes:
        option = node.node.options["device"]
        above = (devices[feed.parent] for port in node.ports for feed in port)
        inherited = next((device for device in above if is_on_gpu(device)), None)
        if option == "cpu":
            devices.append("cpu")
        elif option != "auto":
            devices.append(_named(graph, node, gpus))
        elif inherited:
            devices.append(inherited)
        elif node.node.prefers_gpu and gpus:
            devices.append(gpus[part_of[node.index] % len(gpus)])
        else:
            devices.append("cpu")
    return tuple(devices)


def _wants_gpu(node: GraphNode) -> bool:
    option = node.node.options["device"]
    return option.startswith("cuda") or (option == "auto" and node.node.prefers_gpu)


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
