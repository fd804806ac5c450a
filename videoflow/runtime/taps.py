"""The way of copies from a tap in a worker to a loop in the caller's process."""

from __future__ import annotations

import io
import pickle
import socket
from collections.abc import Iterator
from typing import Any

import cloudpickle

from videoflow.core.tap import TapPolicy
from videoflow.runtime.channel import Frames, frame_bytes
from videoflow.runtime.payload import copying_pickle

__all__ = ["SocketTapLink", "TapReader"]

_READ_BYTES = 1 << 20


class SocketTapLink:
    """The worker's end.

    Args:
        sock: A connected stream socket; the link owns it.
        policy: ``all`` waits for the reader, ``newest`` never does.
    """

    def __init__(self, sock: socket.socket, policy: TapPolicy) -> None:
        self._socket = sock
        self._policy = policy
        self._is_open = True
        self._in_work: memoryview = memoryview(b"")
        self._newest: bytes | None = None
        sock.setblocking(policy == "all")

    def send(self, value: Any) -> None:
        """Send a copy of ``value``; nothing happens when the reader is gone."""
        if not self._is_open:
            return
        self._newest = frame_bytes(_copy(value))
        self._push()

    def close(self) -> None:
        """Send what still waits, and close the connection."""
        self._socket.setblocking(True)
        self._push()
        self._is_open = False
        self._socket.close()

    def _push(self) -> None:
        """Give the socket what it takes; finish one item before the newest follows."""
        try:
            while self._is_open and (self._in_work or self._newest is not None):
                if not self._in_work:
                    self._in_work = memoryview(self._newest or b"")
                    self._newest = None
                sent = self._socket.send(self._in_work)
                self._in_work = self._in_work[sent:]
        except BlockingIOError:
            return
        except (BrokenPipeError, ConnectionResetError):
            self._is_open = False


class TapReader:
    """The caller's end.

    Args:
        sock: A connected stream socket; the reader owns it.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock

    def __iter__(self) -> Iterator[Any]:
        """Yield items until the tap is closed; leaving the loop closes the connection."""
        frames = Frames()
        with self._socket:
            while data := self._socket.recv(_READ_BYTES):
                frames.feed(data)
                for frame in frames:
                    yield pickle.loads(frame)


def _copy(value: Any) -> bytes:
    try:
        return copying_pickle(value)
    except (pickle.PicklingError, AttributeError, TypeError):
        stream = io.BytesIO()
        cloudpickle.Pickler(stream, protocol=5).dump(value)
        return stream.getvalue()
