"""A flow as a value: its nodes in order, the lanes they carry, the consumers they reach.

Knows no process and no device.

A **lane** is what keeps its order through the flow: the frames of one source, or of several
sources that a join has paired by index. Each node carries a fixed set of lanes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from videoflow.core.node import (
    Node,
    ProducerNode,
)

__all__ = ["Feed", "FlowType", "Graph", "GraphNode", "Lane"]

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
