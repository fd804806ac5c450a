"""Check how nodes are wired, and make a graph of them.

Everything that can be wrong with the shape of a flow is refused here, before anything is
planned or started.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from videoflow.core.graph import FlowType, Graph, GraphNode
from videoflow.core.lane_finder import LaneFinder, unique_names
from videoflow.core.node import ConsumerNode, Node, ProcessorNode, ProducerNode
from videoflow.core.wiring import Streams, TaskModuleNode
from videoflow.errors import GraphError

__all__ = ["build_graph"]


def build_graph(
    producers: Sequence[ProducerNode],
    consumers: Sequence[ConsumerNode],
    *,
    flow_type: FlowType,
    name: str,
) -> Graph:
    """Check a flow and return it as a value.

    A flow is what its consumers reach upwards; children that are not on such a way do not
    count, so that nodes left over from an earlier notebook cell do no harm.

    Args:
        producers: All producers of the flow.
        consumers: All consumers of the flow.
        flow_type: ``realtime`` or ``batch``.
        name: Name of the flow.

    Returns:
        The graph, parents before children.

    Raises:
        GraphError: A cycle, a consumer without a way to a producer, a producer that no
            consumer reaches, parents of a join that carry different streams, ...
    """
    _check_ends(producers, consumers, flow_type, name)
    order = _topological(consumers, name)
    _check_reached(order, producers, consumers, name)
    real = [node for node in order if not isinstance(node, Streams | TaskModuleNode)]
    names = unique_names(node.name for node in real)
    lanes = LaneFinder(real, flow_type, name)
    placed: list[GraphNode] = []
    index_of = {id(node): i for i, node in enumerate(real)}
    modules = _modules(order)
    _check_tasks(real, modules, name)
    for i, node in enumerate(real):
        parents = [_resolve(parent) for parent in node.parents]
        ports, carried = lanes.of(
            names[i], [[index_of[id(p)] for p in port] for port in parents], placed, i
        )
        module = modules.get(id(node))
        placed.append(
            GraphNode(
                i, names[i], node, ports, carried, frozenset(), module.name if module else None
            )
        )
    return Graph(name, flow_type, _with_consumers(placed), tuple(lanes.lanes))


def _check_ends(
    producers: Sequence[Node], consumers: Sequence[Node], flow_type: str, name: str
) -> None:
    if flow_type not in ("realtime", "batch"):
        raise GraphError(
            f"flow {name!r}: got flow_type={flow_type!r}, want 'realtime', 'batch' or 'auto'"
        )
    for what, nodes, kind in (
        ("producers", producers, ProducerNode),
        ("consumers", consumers, ConsumerNode),
    ):
        if not nodes:
            raise GraphError(f"flow {name!r}: got no {what}, want at least one")
        for node in nodes:
            if not isinstance(node, kind):
                raise GraphError(f"flow {name!r}: got {node!r} among the {what}")
        if len({id(node) for node in nodes}) != len(nodes):
            raise GraphError(f"flow {name!r}: the same node stands twice among the {what}")


def _topological(consumers: Sequence[Node], name: str) -> list[Node]:
    """Return the nodes above ``consumers``, parents first, in a fixed order."""
    order: list[Node] = []
    done: set[int] = set()
    path: dict[int, Node] = {}

    def visit(node: Node) -> None:
        stack: list[tuple[Node, int]] = [(node, 0)]
        while stack:
            here, step = stack.pop()
            if id(here) in done:
                continue
            above = _above(here)
            if step == 0:
                path[id(here)] = here
            if step < len(above):
                stack.append((here, step + 1))
                parent = above[step]
                if id(parent) in path:
                    ring = [n.name for n in path.values()]
                    ring = ring[[*path].index(id(parent)) :]
                    ring = [*ring, ring[0]][::-1]  # we climb; items fall
                    raise GraphError(f"flow {name!r}: a cycle: {' -> '.join(ring)}")
                stack.append((parent, 0))
            else:
                del path[id(here)]
                done.add(id(here))
                order.append(here)

    for consumer in consumers:
        visit(consumer)
    return order


def _above(node: Node) -> tuple[Node, ...]:
    if isinstance(node, TaskModuleNode):
        return (node.exit,)
    return node.parents


def _check_reached(
    order: Sequence[Node],
    producers: Sequence[Node],
    consumers: Sequence[Node],
    name: str,
) -> None:
    for node in order:
        if not node.parents and not isinstance(node, ProducerNode | TaskModuleNode):
            raise GraphError(
                f"flow {name!r}: {node.name!r} has no parents, so nothing reaches it",
                help=f"call it with its parents: {type(node).__name__}(...)(parent)",
            )
        for kind, what, why in (
            (ProducerNode, "producer", "a source is read in one place"),
            (ConsumerNode, "consumer", "a consumer sees its streams in order"),
        ):
            if isinstance(node, kind) and node.options["nb_tasks"] != 1:
                raise GraphError(
                    f"flow {name!r}: {what} {node.name!r}: got nb_tasks="
                    f"{node.options['nb_tasks']}, want 1: {why}"
                )
    listed = {id(node) for node in producers}
    found = {id(node) for node in order if isinstance(node, ProducerNode)}
    for node in producers:
        if id(node) not in found:
            raise GraphError(
                f"flow {name!r}: no consumer is reached from producer {node.name!r}"
            )
    for node in order:
        if isinstance(node, ProducerNode) and id(node) not in listed:
            raise GraphError(
                f"flow {name!r}: {node.name!r} feeds a consumer but is not among the producers",
                help=f"add it: Flow([..., {node.name}], [...])",
            )


def _modules(order: Iterable[Node]) -> dict[int, TaskModuleNode]:
    inside: dict[int, TaskModuleNode] = {}
    for node in order:
        if isinstance(node, TaskModuleNode):
            for member in node.members():
                if id(member) in inside:
                    raise GraphError(f"{member.name!r} stands in two task modules")
                inside[id(member)] = node
    return inside


def _check_tasks(
    nodes: Iterable[Node], modules: Mapping[int, TaskModuleNode], name: str
) -> None:
    """Refuse what cannot be shared by several workers; a module is shared as its entry is."""
    for node in nodes:
        module = modules.get(id(node))
        entry = module.entry if module else node
        num_tasks = entry.options["nb_tasks"]
        if num_tasks == 1 or not isinstance(node, ProcessorNode):
            continue
        where = f"flow {name!r}, module {module.name!r}" if module else f"flow {name!r}"
        if not node.is_stateless:
            raise GraphError(
                f"{where}: {node.name!r} keeps one state, and {entry.name!r} has "
                f"nb_tasks={num_tasks}: want 1",
                help=f"give {entry.name!r} nb_tasks=1, or take {node.name!r} out of the module",
            )
        if type(node).flush is not ProcessorNode.flush:
            raise GraphError(
                f"{where}: {node.name!r} has a flush(), and {entry.name!r} has "
                f"nb_tasks={num_tasks}: want 1: what several workers hold has no order",
                help="give it nb_tasks=1, or make it a PerStreamProcessorNode",
            )


def _resolve(parent: Node) -> list[Node]:
    """Return the real nodes behind ``parent``: a merge is many, a module is its exit."""
    if isinstance(parent, Streams):
        return [real for one in parent.parents for real in _resolve(one)]
    if isinstance(parent, TaskModuleNode):
        return [parent.exit]
    return [parent]


def _with_consumers(placed: Sequence[GraphNode]) -> tuple[GraphNode, ...]:
    reach: list[set[int]] = [set() for _ in placed]
    for node in reversed(placed):
        if isinstance(node.node, ConsumerNode):
            reach[node.index].add(node.index)
        for port in node.ports:
            for feed in port:
                reach[feed.parent] |= reach[node.index]
    return tuple(
        GraphNode(
            n.index, n.name, n.node, n.ports, n.lanes, frozenset(reach[n.index]), n.module
        )
        for n in placed
    )
