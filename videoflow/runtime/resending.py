"""A channel to a worker that may be started again: what it may want once more is kept."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from videoflow.runtime.channel import ChannelWriter, framed

__all__ = ["ResendingWriter"]

_CHECK_EVERY = 64


class ResendingWriter(ChannelWriter):
    """Keeps each run until its tickets are home, and sends it again to a new reader.

    Args:
        fd: Descriptor of the first pipe; the channel owns it.
        home: Node and lane to the sequence number below which nobody wants its frames.
    """

    def __init__(self, fd: int, home: Callable[[int, int], int]) -> None:
        super().__init__(fd)
        self._home = home
        self._ends: list[bytes] = []
        self._runs: deque[tuple[int, int, int, bytes]] = deque()  # node, lane, last seq, frame
        self._num_sent = 0
        self._lanes: dict[tuple[int, int], None] = {}

    def send(self, message: tuple[Any, ...]) -> None:
        """Send a message, and keep it; returns at once."""
        frame = framed(message)
        if message[0] == "run":
            _, node, lane, seq, stride, _, values = message
            self._runs.append((node, lane, seq + stride * (len(values) - 1), frame))
            self._lanes[node, lane] = None
            self._num_sent += 1
            if self._num_sent % _CHECK_EVERY == 0:
                self._forget()
        else:
            self._ends.append(frame)
        self.send_frame(frame)

    def replace(self, fd: int) -> None:
        """Take the pipe of a reader that was started again, and send it what was kept.

        First it hears where its lanes begin: what was kept may begin there or later, and
        nobody wants what lies before. Then come the ends: a reader that knows where a lane
        ends still takes what lies before that.
        """
        self.close()
        self.fd = fd
        self.is_lost = False
        self._forget()
        for node, lane in self._lanes:
            self.send_frame(framed(("begin", node, lane, self._home(node, lane))))
        for frame in (*self._ends, *(run[-1] for run in self._runs)):
            self.send_frame(frame)

    def _forget(self) -> None:
        """Let go of the oldest runs whose tickets are home."""
        while self._runs:
            node, lane, last, _ = self._runs[0]
            if last >= self._home(node, lane):
                return
            self._runs.popleft()
