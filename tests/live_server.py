"""A server on this machine that does to each connection what its script says."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Self

Step = Callable[[socket.socket, threading.Event], None]

_HEAD = b"HTTP/1.0 200 OK\r\nContent-Type: video/mp2t\r\n\r\n"


def send(data: bytes) -> Step:
    """Answer with a video, and hang up."""

    def answer(connection: socket.socket, _is_over: threading.Event) -> None:
        connection.recv(65536)
        connection.sendall(_HEAD + data)

    return answer


def send_and_stall(data: bytes) -> Step:
    """Answer with a video, and then with nothing, until the server is closed."""

    def answer(connection: socket.socket, is_over: threading.Event) -> None:
        send(data)(connection, is_over)
        is_over.wait(60)

    return answer


def stall(connection: socket.socket, is_over: threading.Event) -> None:
    """Take a connection and never answer."""
    is_over.wait(60)


def hang_up(connection: socket.socket, _is_over: threading.Event) -> None:
    """Close a connection at once."""


@contextmanager
def nobody() -> Iterator[str]:
    """Yield an address that refuses connections, and that nobody else can get meanwhile."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield _url(held)


def _url(listener: socket.socket) -> str:
    return f"http://127.0.0.1:{listener.getsockname()[1]}/live.ts"


class LiveServer:
    """Serves HTTP, one step of the script for each connection, the last one for all others."""

    def __init__(self, script: Sequence[Step]) -> None:
        self._script = script
        self._is_over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._serve)]
        self.num_connections = 0
        self.url = _url(self._listener)

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(10)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:  # closed
                return
            if not connection.recv(1, socket.MSG_PEEK):  # somebody looked whether we are there
                connection.close()
                continue
            step = self._script[min(self.num_connections, len(self._script) - 1)]
            self.num_connections += 1
            thread = threading.Thread(target=self._answer, args=(connection, step))
            self._threads.append(thread)
            thread.start()

    def _answer(self, connection: socket.socket, step: Step) -> None:
        with connection:
            try:
                step(connection, self._is_over)
            except OSError:  # the reader has left
                return
