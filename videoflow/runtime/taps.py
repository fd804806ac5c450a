"""The way of copies from a tap in a worker to a loop in the caller's process."""

from __future__ import annotations

import contextlib
import pickle
import socket
import threading
from collections.abc import Generator
from typing import Any

from videoflow.core.tap import TapPolicy
from videoflow.runtime.channel import Frames, frame_bytes
from videoflow.runtime.copies import copying_cloudpickle, copying_pickle

__all__ = ["SocketTapLink", "TapReader"]

_READ_BYTES = 1 << 20
_CLOSE_SECONDS = 1.0


class SocketTapLink:
    """The worker's end.

    Args:
        sock: A connected stream socket; the link owns it.
        policy: ``all`` waits for the reader; ``newest`` never does: it keeps the newest item
            of each stream, and a thread sends one when the reader asks.
    """

    def __init__(self, sock: socket.socket, policy: TapPolicy) -> None:
        self._socket = sock
        self._policy = policy
        self._is_open = True
        self._is_closing = False
        self._newest: dict[str, bytes] = {}  # stream to item; the next to send is the first
        self._has_news = threading.Condition()
        self._thread: threading.Thread | None = None

    def send(self, value: Any) -> None:
        """Send a copy of ``value``; nothing happens when the reader is gone."""
        if not self._is_open:
            return
        data = frame_bytes(_copy(value))
        if self._policy == "all":
            self._push(data)
            return
        with self._has_news:
            self._newest[getattr(value, "stream", "")] = data
            self._has_news.notify()
        if self._thread is None:
            self._thread = threading.Thread(target=self._answer, name="tap", daemon=True)
            self._thread.start()

    def close(self, *, is_whole: bool) -> None:
        """Send what still waits, and an empty frame if that is all; close the connection."""
        if self._thread is not None:
            with self._has_news:
                self._is_closing = True
                self._has_news.notify()
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RD)  # wakes the thread
            self._thread.join(_CLOSE_SECONDS)
            self._socket.settimeout(_CLOSE_SECONDS)
            for data in () if self._thread.is_alive() else self._newest.values():
                self._push(data)
        if is_whole:
            self._push(frame_bytes(b""))
        self._is_open = False
        self._socket.close()

    def _push(self, data: bytes) -> None:
        if not self._is_open:
            return
        try:
            self._socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError, TimeoutError):
            self._is_open = False

    def _answer(self) -> None:
        """Send the newest item whenever the reader asks; runs in the thread."""
        with contextlib.suppress(OSError):
            while self._socket.recv(1):
                with self._has_news:
                    self._has_news.wait_for(lambda: self._newest or self._is_closing)
                    data = self._newest.pop(next(iter(self._newest))) if self._newest else b""
                if data:
                    self._push(data)
        if not self._is_closing:  # then it was the reader who hung up
            self._is_open = False


class TapReader:
    """The caller's end.

    Args:
        sock: A connected stream socket; the reader owns it.
        policy: As at the worker's end.
    """

    def __init__(self, sock: socket.socket, policy: TapPolicy) -> None:
        self._socket = sock
        self._policy = policy

    def __iter__(self) -> Generator[Any, None, bool]:
        """Yield items until the tap is closed; leaving the loop closes the connection.

        Returns:
            Whether these were all: neither a stream nor the tap's worker broke.
        """
        frames = Frames()
        with self._socket:
            self._ask()
            while data := self._socket.recv(_READ_BYTES):
                frames.feed(data)
                for frame in frames:
                    if not frame:
                        return True
                    yield pickle.loads(frame)
                    self._ask()
        return False

    def _ask(self) -> None:
        if self._policy == "newest":
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                self._socket.send(b"?")


def _copy(value: Any) -> bytes:
    try:
        return copying_pickle(value)
    except (pickle.PicklingError, AttributeError, TypeError):
        return copying_cloudpickle(value)
