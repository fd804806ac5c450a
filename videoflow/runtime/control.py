"""Sockets between the supervisor, the keeper and the workers: messages that carry descriptors.

Control messages are rare and small, so the ends block while they write.
"""

from __future__ import annotations

import os
import pickle
import socket
from array import array
from collections import deque
from collections.abc import Sequence
from typing import Any

from videoflow.runtime.channel import Frames, framed

__all__ = ["ControlSocket", "control_pair"]

_MAX_FDS = 200  # the kernel takes 253 at once
_FD_BYTES = array("i").itemsize
_READ_BYTES = 1 << 16


def control_pair() -> tuple[ControlSocket, ControlSocket]:
    """Return the two ends of a new connection."""
    left, right = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    return ControlSocket(left), ControlSocket(right)


class ControlSocket:
    """One end of a control connection.

    Args:
        sock: A connected stream socket of the local kind; the control socket owns it.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._frames = Frames()
        self._fds: deque[int] = deque()
        self.is_lost = False

    def fileno(self) -> int:
        """Return the descriptor, for a selector."""
        return self._socket.fileno()

    def send(self, message: Any, fds: Sequence[int] = ()) -> None:
        """Send a message and copies of descriptors; blocks until the other side has room.

        When the other side is gone the message is gone too: what that means is decided
        where the end of its process is noticed.
        """
        data = framed((message, len(fds)))
        try:
            for start in range(0, len(fds), _MAX_FDS):
                socket.send_fds(self._socket, [data[:1]], list(fds[start : start + _MAX_FDS]))
                data = data[1:]
            self._socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            self.is_lost = True

    def receive(self) -> list[tuple[Any, list[int]]]:
        """Return the messages that are there, with their descriptors; never blocks.

        At the end of the connection ``is_lost`` turns true.
        """
        # Not socket.recv_fds: it drops its flags, and then blocks (python/cpython#107898).
        flags = socket.MSG_DONTWAIT | socket.MSG_CMSG_CLOEXEC
        room = socket.CMSG_LEN(_MAX_FDS * _FD_BYTES)
        try:
            data, extras, _, _ = self._socket.recvmsg(_READ_BYTES, room, flags)
        except BlockingIOError:
            return []
        except ConnectionResetError:
            data, extras = b"", []
        for _level, _kind, told in extras:
            self._fds.extend(array("i", told[: len(told) // _FD_BYTES * _FD_BYTES]))
        if not data:
            self.is_lost = True
            return []
        self._frames.feed(data)
        messages = []
        for frame in self._frames:
            message, num_fds = pickle.loads(frame)
            messages.append((message, [self._fds.popleft() for _ in range(num_fds)]))
        return messages

    def detach(self) -> int:
        """Give the descriptor away."""
        return self._socket.detach()

    def close(self) -> None:
        """Close the connection, and descriptors that came ahead of their message."""
        self._socket.close()
        while self._fds:
            os.close(self._fds.popleft())
