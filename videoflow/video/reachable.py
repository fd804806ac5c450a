"""Whether anybody answers at a camera's address, asked before a flow starts."""

from __future__ import annotations

import socket
from typing import Final
from urllib.parse import urlsplit

from videoflow.errors import SourceError
from videoflow.video.av.info import shown_source

__all__ = ["check_reachable"]

_PORTS: Final = {"rtsp": 554, "rtsps": 322}
"""Source: IANA, Service Name and Transport Protocol Port Number Registry."""


def check_reachable(url: str, *, timeout_seconds: float) -> None:
    """Refuse a URL of RTSP without a host, and one where nobody takes a connection.

    Others are left to who opens them: a server of HTTP or RTMP may serve a single connection.

    Args:
        url: Of a live source.
        timeout_seconds: How long to wait for an answer.

    Raises:
        SourceError: So it is.
    """
    parts = urlsplit(url)
    if parts.scheme not in _PORTS:
        return
    shown = shown_source(url)
    try:
        host, port = parts.hostname, parts.port or _PORTS[parts.scheme]
    except ValueError as error:
        raise SourceError(
            f"{shown}: got a port that is none, want 1 to 65535",
            help=f"leave it out for the usual one, {_PORTS[parts.scheme]}",
        ) from error
    if not host:
        raise SourceError(
            f"{shown}: got no host, want one", help="rtsp://user:password@host/path"
        )
    try:
        socket.create_connection((host, port), timeout=timeout_seconds).close()
    except OSError as error:
        raise SourceError(
            f"{shown}: cannot be opened: {error.strerror or error} "
            f"({host}, port {port}, timeout {timeout_seconds:g} s)",
            help="check address, port and network; "
            "max_reconnects=N waits for a source that is not there yet",
        ) from error
