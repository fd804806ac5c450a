"""One-way pipes between workers: framed messages that never block their writer.

One pipe for each pair of workers that talk. A writer keeps what the pipe does not take at
once; tickets bound how much that can be. The reader's end closing is seen as ``is_lost``.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pickle
import struct
from collections import deque
from collections.abc import Iterator
from typing import Any

__all__ = ["ChannelReader", "ChannelWriter", "Frames", "frame_bytes", "framed", "open_channel"]

_LENGTH = struct.Struct("<I")
_READ_BYTES = 1 << 20
_PIPE_BYTES = 1 << 20


def open_channel() -> tuple[int, int]:
    """Return the reading and the writing descriptor of a new pipe, both non-blocking."""
    reader, writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    with contextlib.suppress(PermissionError):  # the user's share is used up: 64 KiB do too
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    return reader, writer


def framed(message: Any) -> bytes:
    """Return ``message`` as it goes over a pipe: its length, then its pickle."""
    return frame_bytes(pickle.dumps(message, protocol=5))


def frame_bytes(data: bytes) -> bytes:
    """Return ``data`` behind its length."""
    return _LENGTH.pack(len(data)) + data


class Frames:
    """Cuts a stream of bytes into the frames that ``framed`` made."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the stream."""
        self._buffer += data

    def __iter__(self) -> Iterator[bytes]:
        """Yield the frames that are whole, and forget them."""
        buffer = self._buffer
        at = 0
        while len(buffer) - at >= _LENGTH.size:
            end = at + _LENGTH.size + _LENGTH.unpack_from(buffer, at)[0]
            if end > len(buffer):
                break
            yield bytes(memoryview(buffer)[at + _LENGTH.size : end])
            at = end
        del buffer[:at]


class ChannelWriter:
    """The writing end of a channel.

    Args:
        fd: Descriptor; the channel owns it.
    """

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.is_lost = False
        self._queue: deque[memoryview] = deque()

    @property
    def is_empty(self) -> bool:
        """Whether everything that was sent is in the pipe (or will never be)."""
        return not self._queue

    def send(self, message: Any) -> None:
        """Send a message; returns at once."""
        self.send_frame(framed(message))

    def send_frame(self, frame: bytes) -> None:
        """Send a message that ``framed`` made; returns at once."""
        if self.is_lost:
            return
        self._queue.append(memoryview(frame))
        if len(self._queue) == 1:
            self.flush()

    def flush(self) -> None:
        """Give the pipe as much as it takes now."""
        while self._queue:
            head = self._queue[0]
            try:
                written = os.write(self.fd, head)
            except BlockingIOError:
                return
            except BrokenPipeError:
                self.is_lost = True
                self._queue.clear()
                return
            if written == len(head):
                self._queue.popleft()
            else:
                self._queue[0] = head[written:]

    def close(self) -> None:
        """Close the descriptor; what is still queued is gone."""
        if self.fd >= 0:
            os.close(self.fd)
        self.fd = -1
        self.is_lost = True
        self._queue.clear()


class ChannelReader:
    """The reading end of a channel.

    Args:
        fd: Descriptor; the channel owns it.
    """

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.is_lost = False
        self._frames = Frames()

    def receive(self) -> list[Any]:
        """Return the messages that are there, oldest first; returns at once.

        At the end of the pipe ``is_lost`` turns true; half a message at its end, left by a
        writer that was killed, is dropped.
        """
        try:
            data = os.read(self.fd, _READ_BYTES)
        except BlockingIOError:
            return []
        if not data:
            self.is_lost = True
            return []
        self._frames.feed(data)
        return [pickle.loads(frame) for frame in self._frames]

    def close(self) -> None:
        """Close the descriptor."""
        if self.fd >= 0:
            os.close(self.fd)
        self.fd = -1
        self.is_lost = True
