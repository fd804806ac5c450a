"""A consumer that sends what it gets to the caller's process."""

from __future__ import annotations

from typing import Any, Literal, Protocol

from videoflow.core.node import ConsumerNode, Ending

__all__ = ["Tap", "TapLink", "TapPolicy"]

TapPolicy = Literal["all", "newest"]


class TapLink(Protocol):
    """The way from a tap to its reader; the engine connects it."""

    def send(self, value: Any) -> None:
        """Send a copy of ``value``."""

    def close(self, *, is_whole: bool) -> None:
        """Send what still waits, and say whether that was all that there is."""


class Tap(ConsumerNode):
    """Sends copies of what it gets to whoever iterates ``flow.stream(node)``.

    Args:
        policy: ``all``: wait for the reader, lose nothing; ``newest``: never wait, keep the
            newest item of each stream for a reader that is slow.
        name: Lower case.
    """

    def __init__(self, policy: TapPolicy, *, name: str) -> None:
        super().__init__(name=name)
        self.policy = policy
        self._link: TapLink | None = None
        self._is_whole = True

    def connect(self, link: TapLink) -> None:
        """Take the way to the reader; the engine calls this in the worker."""
        self._link = link

    def consume(self, *inputs: Any) -> None:
        """Send the input, or the tuple of inputs where there are several."""
        assert self._link is not None
        self._link.send(inputs[0] if len(inputs) == 1 else inputs)

    def end_stream(self, stream: str, ending: Ending) -> None:
        """Hear whether anything is missing."""
        self._is_whole = self._is_whole and ending != "failed"

    def close(self) -> None:
        """Tell the reader that nothing more comes."""
        if self._link is not None:
            self._link.close(is_whole=self._is_whole)
