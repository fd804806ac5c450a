"""A flow as a value: its nodes in order, the lanes they carry, the consumers they reach.

Everything that can be wrong with the shape of a flow is refused here, before anything is
planned or started. Knows no process and no device.

A **lane** is what keeps its order through the flow: the frames of one source, or of several
sources that a join has paired by index. Each node carries a fixed set of lanes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from videoflow.core.node import (
    ConsumerNode,
    Node,
    ProcessorNode,
    ProducerNode,
)
from videoflow.core.wiring import Streams, TaskModuleNode
from videoflow.errors import GraphError

__all__ = ["Feed", "FlowType", "Graph", "GraphNode", "Lane", "build_graph"]

FlowType = Literal["realtime", "batch"]
"""How a flow runs: whole, or up to date; see ``Flow``."""


@dataclass(frozen=True, slots=True)
class Lane:
    """An ordered way through the flow.

    Attributes:
        index: Position in ``Graph.lanes``.
        name: The stream's name; paired streams are joined by ``+``.
        sources: Indices of the producers whose frames it carries, paired by sequence number.
    """

    index: int
    name: str
    sources: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Feed:
    """Where one input of a node gets one lane from.

    Attributes:
        parent: Index of the parent node.
        parent_lane: Index of the lane there.
        lane: Index of the lane here; another one where a join pairs sources.
    """

    parent: int
    parent_lane: int
    lane: int


@dataclass(frozen=True, slots=True)
class GraphNode:
    """A node in its place.

    Attributes:
        index: Position in ``Graph.nodes``, parents first.
        name: Unique in the flow.
        node: What the user made.
        ports: For each parent of the call, the feeds of all lanes.
        lanes: Indices of the lanes that the node carries.
        consumers: Indices of the consumers that it reaches (a consumer reaches itself).
        module: Name of the ``TaskModuleNode`` that it stands in, or None.
    """

    index: int
    name: str
    node: Node
    ports: tuple[tuple[Feed, ...], ...]
    lanes: tuple[int, ...]
    consumers: frozenset[int]
    module: str | None


@dataclass(frozen=True, slots=True)
class Graph:
    """A checked flow.

    Attributes:
        name: Name of the flow.
        flow_type: ``realtime`` or ``batch``.
        nodes: Parents before children.
        lanes: All lanes that any node carries.
    """

    name: str
    flow_type: FlowType
    nodes: tuple[GraphNode, ...]
    lanes: tuple[Lane, ...]

    @property
    def sources(self) -> tuple[int, ...]:
        """Indices of the producers."""
        return tuple(n.index for n in self.nodes if isinstance(n.node, ProducerNode))

    def stream_name(self, source: int) -> str:
        """Return the name of the stream that the producer ``source`` is."""
        return next(lane.name for lane in self.lanes if lane.sources == (source,))

    def parents(self, index: int) -> tuple[int, ...]:
        """Return the indices of the nodes that node ``index`` takes input from."""
        ports = self.nodes[index].ports
        return tuple(dict.fromkeys(feed.parent for port in ports for feed in port))

    def children(self, index: int) -> tuple[int, ...]:
        """Return the indices of the nodes that take input from node ``index``."""
        return tuple(n.index for n in self.nodes if index in self.parents(n.index))


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
    names = _unique(node.name for node in real)
    lanes = _Lanes(real, flow_type, name)
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
            f"flow {name!r}: got flow_type={flow_type!r}, want 'realtime' or 'batch'"
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


def _unique(names: Iterable[str]) -> list[str]:
    unique: list[str] = []
    for name in names:
        number, candidate = 1, name
        while candidate in unique:
            number += 1
            candidate = f"{name}-{number}"
        unique.append(candidate)
    return unique


class _Lanes:
    """Finds the lanes of each node, from its parents' lanes."""

    def __init__(self, nodes: Sequence[Node], flow_type: FlowType, flow: str) -> None:
        self._flow_type = flow_type
        self._flow = flow
        self.lanes: list[Lane] = []
        sources = [i for i, node in enumerate(nodes) if isinstance(node, ProducerNode)]
        streams = _unique(nodes[i].stream for i in sources)  # type: ignore[attr-defined]
        self._of_source = {
            source: self._add(stream, (source,))
            for source, stream in zip(sources, streams, strict=True)
        }

    def of(
        self, name: str, parents: list[list[int]], placed: Sequence[GraphNode], index: int
    ) -> tuple[tuple[tuple[Feed, ...], ...], tuple[int, ...]]:
        """Return the ports and the lanes of the node ``name``."""
        if not parents:
            return (), (self._of_source[index].index,)
        offers: list[dict[int, int]] = []  # for each port: lane -> parent
        for port in parents:
            offer: dict[int, int] = {}
            for parent in port:
                for lane in placed[parent].lanes:
                    if lane in offer:
                        raise GraphError(
                            f"flow {self._flow!r}, node {name!r}: stream "
                            f"{self.lanes[lane].name!r} comes twice through one merge, from "
                            f"{placed[offer[lane]].name!r} and {placed[parent].name!r}"
                        )
                    offer[lane] = parent
            offers.append(offer)
        if all(offer.keys() == offers[0].keys() for offer in offers):
            ports = tuple(
                tuple(Feed(offer[lane], lane, lane) for lane in offers[0]) for offer in offers
            )
            return ports, tuple(offers[0])
        return self._paired(name, offers)

    def _paired(
        self, name: str, offers: Sequence[dict[int, int]]
    ) -> tuple[tuple[tuple[Feed, ...], ...], tuple[int, ...]]:
        told = " and ".join(
            "(" + ", ".join(self.lanes[lane].name for lane in offer) + ")" for offer in offers
        )
        where = f"flow {self._flow!r}, node {name!r}: its parents carry {told}"
        if any(len(offer) != 1 for offer in offers):
            raise GraphError(
                f"{where}, want the same streams from each parent",
                help="join nodes that come from the same producers, or pair single streams",
            )
        if self._flow_type == "realtime":
            raise GraphError(
                f"{where}: different sources pair by index, which a realtime flow cannot do",
                help="use flow_type='batch', or join nodes of one source",
            )
        sources = tuple(
            dict.fromkeys(s for o in offers for s in self.lanes[next(iter(o))].sources)
        )
        lane = next((known for known in self.lanes if known.sources == sources), None)
        if lane is None:
            names = dict.fromkeys(self._of_source[s].name for s in sources)
            lane = self._add("+".join(names), sources)
        ports = tuple(
            tuple(Feed(parent, theirs, lane.index) for theirs, parent in offer.items())
            for offer in offers
        )
        return ports, (lane.index,)

    def _add(self, name: str, sources: tuple[int, ...]) -> Lane:
        lane = Lane(len(self.lanes), name, sources)
        self.lanes.append(lane)
        return lane


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
