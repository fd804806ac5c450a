"""One lane at a station: its inputs, what the node keeps for it, whether it is over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from videoflow.core.graph import GraphNode
from videoflow.core.node import Ending
from videoflow.runtime.deal import Deal
from videoflow.runtime.inbox import Inbox, worst_ending
from videoflow.runtime.marks import Marker
from videoflow.runtime.plan import Plan

__all__ = ["StationLane", "make_lanes"]


@dataclass(slots=True)
class StationLane:
    """One lane at a station.

    Attributes:
        index: Index of the lane.
        name: Its stream.
        inboxes: One for each input of the node.
        sources: Producers to the number of frames that they gave, None while unknown.
        state: What a per-stream node keeps for it.
        flushing: What the node still has to say after its inputs ended, or None.
        is_over: Whether its end was sent on.
    """

    index: int
    name: str
    inboxes: tuple[Inbox, ...]
    sources: dict[int, int | None]
    state: Any = None
    flushing: Any = None
    is_over: bool = False

    @property
    def seq(self) -> int:
        """The sequence number of the next frame to take."""
        return self.inboxes[0].next_out

    @property
    def window(self) -> int:
        """Tickets in flight at the next frame."""
        return max(inbox.window() for inbox in self.inboxes)

    @property
    def has_all_inputs(self) -> bool:
        """Whether every input of the lane is over."""
        return all(inbox.is_over for inbox in self.inboxes)

    @property
    def total(self) -> int:
        """One past the last sequence number of the inputs, once all are over."""
        return max((inbox.total or 0 for inbox in self.inboxes), default=0)

    @property
    def ending(self) -> Ending:
        """How the inputs ended, the worst of them."""
        return worst_ending(inbox.ending for inbox in self.inboxes)

    def run_length(self) -> int:
        """Return how many frames can be taken now."""
        inboxes = self.inboxes
        if len(inboxes) == 1:
            return inboxes[0].run_length()
        lengths = [inbox.run_length() for inbox in inboxes if not inbox.is_over]
        return min(lengths, default=0)

    def take(self, no_partner: Marker) -> Any:
        """Return the next frame's input, a tuple of inputs where the node has several.

        Where an input is over, or an input is a marker, the frame is a marker: the worst.
        """
        if len(self.inboxes) == 1:
            return self.inboxes[0].take()
        row = []
        for inbox in self.inboxes:
            if inbox.is_over:
                inbox.pass_over()
                row.append(no_partner)
            else:
                row.append(inbox.take())
        markers = [value for value in row if type(value) is Marker]
        return max(markers, key=lambda marker: marker.mark) if markers else tuple(row)


def make_lanes(plan: Plan, graph_node: GraphNode, deal: Deal) -> tuple[StationLane, ...]:
    """Return the lanes of one task of a node, with nothing arrived yet."""
    lanes = []
    for index in graph_node.lanes:
        if not deal.takes_lane(index):
            continue
        window = max(plan.source(source).tickets for source in plan.graph.lanes[index].sources)
        inboxes = []
        for port in graph_node.ports:
            feed = next(feed for feed in port if feed.lane == index)
            parent = plan.nodes[feed.parent]
            is_mate = parent.workers == plan.nodes[graph_node.index].workers
            num_writers = 1 if is_mate else parent.num_writers(feed.parent_lane)
            inboxes.append(Inbox(deal.first, deal.stride, num_writers, window))
        lane = plan.graph.lanes[index]
        sources: dict[int, int | None] = dict.fromkeys(lane.sources)
        lanes.append(StationLane(index, lane.name, tuple(inboxes), sources))
    return tuple(lanes)
