"""Which lanes a node carries: those of its parents, or a new one where a join pairs sources."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from videoflow.core.graph import Feed, FlowType, GraphNode, Lane
from videoflow.core.node import Node, ProducerNode
from videoflow.errors import GraphError

__all__ = ["LaneFinder", "unique_names"]


class LaneFinder:
    """Finds the lanes of each node, from its parents' lanes."""

    def __init__(self, nodes: Sequence[Node], flow_type: FlowType, flow: str) -> None:
        self._flow_type = flow_type
        self._flow = flow
        self.lanes: list[Lane] = []
        sources = [i for i, node in enumerate(nodes) if isinstance(node, ProducerNode)]
        streams = unique_names(nodes[i].stream for i in sources)  # type: ignore[attr-defined]
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


def unique_names(names: Iterable[str]) -> list[str]:
    """Return the names, with a number behind each that was there before."""
    unique: list[str] = []
    for name in names:
        number, candidate = 1, name
        while candidate in unique:
            number += 1
            candidate = f"{name}-{number}"
        unique.append(candidate)
    return unique
