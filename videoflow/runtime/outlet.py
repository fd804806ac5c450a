"""Where the outputs of one node go: to stations in this worker, and over channels to others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from videoflow.core.node import Ending
from videoflow.runtime.deal import Deal

__all__ = ["Inlet", "Outlet", "Sender"]


class Inlet(Protocol):
    """What takes runs and ends of lanes: a station's input, or a channel."""

    def put(self, lane: int, seq: int, stride: int, window: int, values: Sequence[Any]) -> None:
        """Take a run of values."""

    def begin(self, lane: int, seq: int) -> None:
        """Hear, in a worker that was started again, that nobody wants frames below ``seq``."""

    def end_source(self, lane: int, source: int, total: int) -> None:
        """Hear how many frames a source gave."""

    def end(self, lane: int, total: int, ending: Ending) -> None:
        """Hear that a lane ends before ``total``."""


class Sender(Protocol):
    """The worker's way to another worker."""

    def send(self, message: tuple[Any, ...]) -> None:
        """Send a message; returns at once."""


@dataclass(frozen=True, slots=True)
class _Remote:
    sender: Sender
    deal: Deal
    lanes: frozenset[int]


class Outlet:
    """Sends the outputs of one task of one node on.

    Args:
        node: Index of the node.
        task: Which task of it.
    """

    def __init__(self, node: int, task: int) -> None:
        self._node = node
        self._task = task
        self._locals: list[tuple[Inlet, frozenset[int]]] = []
        self._remotes: list[_Remote] = []

    @property
    def has_remotes(self) -> bool:
        """Whether anything leaves the process."""
        return bool(self._remotes)

    @property
    def has_locals(self) -> bool:
        """Whether anything stays in the process."""
        return bool(self._locals)

    def add_local(self, inlet: Inlet, lanes: frozenset[int]) -> None:
        """Send ``lanes`` to an input in this worker."""
        self._locals.append((inlet, lanes))

    def add_remote(self, sender: Sender, deal: Deal, lanes: frozenset[int]) -> None:
        """Send the deal's share of the frames of ``lanes`` to another worker."""
        self._remotes.append(_Remote(sender, deal, lanes))

    def put(  # noqa: PLR0913 - a run, in its two forms
        self,
        lane: int,
        seq: int,
        stride: int,
        window: int,
        packed: Sequence[Any],
        kept: Sequence[Any],
    ) -> None:
        """Send a run.

        Args:
            lane: Index of the lane.
            seq: Sequence number of the first value.
            stride: Distance to the next.
            window: Tickets in flight when it entered.
            packed: The values as messages carry them; read only where ``has_remotes``.
            kept: The values as they stay in the process; read only where ``has_locals``.
        """
        for inlet, lanes in self._locals:
            if lane in lanes:
                inlet.put(lane, seq, stride, window, kept)
        for remote in self._remotes:
            if lane not in remote.lanes:
                continue
            deal = remote.deal
            if deal.stride == 1:
                remote.sender.send(("run", self._node, lane, seq, stride, window, packed))
            else:
                self._send_share(remote, lane, (seq, stride, window), packed)

    def _send_share(
        self, remote: _Remote, lane: int, run: tuple[int, int, int], packed: Sequence[Any]
    ) -> None:
        seq, stride, window = run
        deal = remote.deal
        mine = [
            number
            for number in range(len(packed))
            if (seq + stride * number) % deal.num_tasks == deal.task
        ]
        if not mine:
            return
        step = stride * (mine[1] - mine[0]) if len(mine) > 1 else deal.num_tasks
        first = seq + stride * mine[0]
        values = [packed[number] for number in mine]
        remote.sender.send(("run", self._node, lane, first, step, window, values))

    def begin(self, lane: int, seq: int) -> None:
        """Say to stations of this worker that nobody wants frames below ``seq``.

        Other workers need not hear it: they have had those frames.
        """
        for inlet, lanes in self._locals:
            if lane in lanes:
                inlet.begin(lane, seq)

    def end_source(self, lane: int, source: int, total: int) -> None:
        """Say how many frames ``source`` gave; comes before anything that lies beyond."""
        for inlet, lanes in self._locals:
            if lane in lanes:
                inlet.end_source(lane, source, total)
        for remote in self._remotes:
            if lane in remote.lanes:
                remote.sender.send(("source", self._node, lane, source, total))

    def end(self, lane: int, total: int, ending: Ending) -> None:
        """Say that ``lane`` ends before ``total``."""
        for inlet, lanes in self._locals:
            if lane in lanes:
                inlet.end(lane, total, ending)
        for remote in self._remotes:
            if lane in remote.lanes:
                remote.sender.send(("end", self._node, lane, total, ending, self._task))
