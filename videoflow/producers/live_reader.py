"""A camera or another live source as a stream of frames."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, Unpack
from urllib.parse import urlsplit

from videoflow.core.node import NodeOptions, ProducerNode
from videoflow.data.frame import Frame
from videoflow.errors import FlowStateError, GraphError, SourceError

if TYPE_CHECKING:
    from videoflow.video.live import LiveFeed

__all__ = ["LiveReader"]


class LiveReader(ProducerNode):
    """Read a live source: RTSP, HTTP, HLS, UDP, RTMP, or a camera of this machine.

    Made for flows with ``flow_type="realtime"``, in which the newest frame counts. A lost
    connection is made again, after waits of 0.5 s to 8 s; no read blocks for longer than the
    timeout. Damaged packets are counted, a change of size goes through. The flow's report
    says how often the connection was lost and for how long. The index runs on, and time with
    the clock.

    Args:
        url: ``rtsp://user:password@host/path`` or another URL, ``/dev/video0``, or the number
            of a camera. Passwords appear in no message.
        stream: Name of the stream; by default the host, or the camera's file.
        timeout_seconds: How long connecting, and each read, may take.
        max_reconnects: How often in a row to connect again; None for ever, once it has
            worked. 0 ends the stream with its source.
        transport: How RTSP sends pictures: ``tcp`` loses none, ``udp`` has less delay.
        ffmpeg_options: More for FFmpeg, such as ``{"video_size": "1280x720"}``.
        **options: See ``NodeOptions``.

    Raises:
        GraphError: A value that makes no sense.
    """

    is_live: ClassVar[bool] = True
    auto_device = "gpu"
    preload: ClassVar[tuple[str, ...]] = ("torch", "av", "videoflow.video.live")

    def __init__(  # noqa: PLR0913 - one for each thing that can be chosen, all optional
        self,
        url: str | int,
        *,
        stream: str | None = None,
        timeout_seconds: float = 5.0,
        max_reconnects: int | None = None,
        transport: Literal["tcp", "udp"] = "tcp",
        ffmpeg_options: Mapping[str, str] | None = None,
        **options: Unpack[NodeOptions],
    ) -> None:
        super().__init__(**options)
        self._url = f"/dev/video{url}" if isinstance(url, int) else url
        is_url = re.match(r"[a-z][a-z0-9+.-]*://", self._url, re.IGNORECASE)
        for is_good, got, want in (
            (is_url or self._url.startswith("/dev/"), f"url={url!r}", "a URL or /dev/video0"),
            (timeout_seconds > 0, f"timeout_seconds={timeout_seconds!r}", "> 0"),
            (
                max_reconnects is None or max_reconnects >= 0,
                f"max_reconnects={max_reconnects!r}",
                ">= 0 or None",
            ),
            (transport in ("tcp", "udp"), f"transport={transport!r}", "'tcp' or 'udp'"),
        ):
            if not is_good:
                raise GraphError(
                    f"{self.name!r}: got {got}, want {want}",
                    help="VideoFileReader reads files",
                )
        self._stream = stream or urlsplit(self._url).hostname or Path(self._url).name
        self._timeout_seconds = timeout_seconds
        self._max_reconnects = max_reconnects
        self._transport = transport
        self._ffmpeg_options = dict(ffmpeg_options or {})
        self._feed: LiveFeed | None = None

    @property
    def stream(self) -> str:
        """The stream's name."""
        return self._stream

    def check(self) -> None:
        """Refuse a camera or a GPU that is not there, and a URL where nobody answers.

        One for which the flow is told to wait (``max_reconnects=N``) is not asked.

        Raises:
            SourceError: The camera is not there, or nobody takes a connection.
            GraphError: A GPU was named that is not there.
        """
        from videoflow.video.capabilities import check_device

        check_device(self.options["device"])
        if self._url.startswith("/dev/") and not Path(self._url).exists():
            raise SourceError(
                f"{self._url}: got no such camera, want one of this machine's",
                help="ls /dev/video* lists them; a container needs --device /dev/video0",
            )
        if not self._max_reconnects:
            from videoflow.video.reachable import check_reachable  # av: only for who plays

            check_reachable(
                self._url,
                timeout_seconds=self._timeout_seconds,
                options=self._ffmpeg_options,
            )

    def open(self) -> None:
        """Get ready; the first frame connects."""
        from videoflow.video.capabilities import open_on
        from videoflow.video.live import LiveFeed, make_address  # torch and av: only here
        from videoflow.video.opener import VideoOpener

        self._feed = LiveFeed(
            make_address(self._url, transport=self._transport, options=self._ffmpeg_options),
            stream=self._stream,
            opener=VideoOpener(
                device=open_on(self.device, option=self.options["device"]),
                num_threads=self.options["num_threads"],
                report=self.note,
            ),
            timeout_seconds=self._timeout_seconds,
            max_reconnects=self._max_reconnects,
            report=self.note,
        )

    def next(self) -> Frame:
        """Return the next frame; blocks until there is one.

        Raises:
            StopIteration: The source has ended, with ``max_reconnects=0``.
            SourceError: It cannot be reached, and was tried as often as allowed.
        """
        if self._feed is None:
            raise FlowStateError(f"{self.name!r} is not open", help="call open() first")
        frame = self._feed.read(memory=self.slot_tensor)
        if frame is None:
            raise StopIteration
        return frame

    def close(self) -> None:
        """Disconnect."""
        if self._feed is not None:
            self._feed.close()
            self._feed = None
