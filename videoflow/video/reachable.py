"""Whether anybody answers at a live source's address, asked before a flow starts."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from videoflow.errors import SourceError
from videoflow.video.av.info import shown_source

__all__ = ["check_reachable"]

_PORTS: Final = {
    "http": 80,
    "https": 443,
    "rtmp": 1935,
    "rtmps": 443,
    "rtsp": 554,
    "rtsps": 322,
}
"""Source: IANA, Service Name and Transport Protocol Port Number Registry."""
_LISTENING: Final = {"listen", "rtmp_listen", "rtsp_flags"}
"""FFmpeg's options by which it takes connections instead of making them."""


def check_reachable(url: str, *, timeout_seconds: float, options: Mapping[str, str]) -> None:
    """Refuse a URL of RTSP, HTTP or RTMP without a host, and one where nobody answers.

    A connection is made and closed, without a word. Other protocols are left to who opens
    them: ``tcp://`` may serve a single connection, and UDP has none. So is what lies behind a
    proxy, and what FFmpeg is told to be the server of.

    Args:
        url: Of a live source.
        timeout_seconds: How long to wait for an answer.
        options: FFmpeg's.

    Raises:
        SourceError: So it is.
    """
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or _LISTENING & options.keys():
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
            f"{shown}: got no host, want one", help=f"{parts.scheme}://user:password@host/path"
        )
    if _has_proxy(parts.scheme, host, options):
        return
    try:
        socket.create_connection((host, port), timeout=timeout_seconds).close()
    except OSError as error:
        raise SourceError(
            f"{shown}: cannot be opened: {error.strerror or error} "
            f"({host}, port {port}, timeout {timeout_seconds:g} s)",
            help="check address, port and network; "
            "max_reconnects=N waits for a source that is not there yet",
        ) from error


def _has_proxy(scheme: str, host: str, options: Mapping[str, str]) -> bool:
    """Return whether FFmpeg asks a proxy for ``host``; for both kinds of HTTP it takes one."""
    if not scheme.startswith("http"):
        return False
    return "http_proxy" in options or ("http" in getproxies() and not proxy_bypass(host))
