"""A live source as one stream of frames: connects again, keeps time, never blocks for ever.

Knows connections, back-off and the clock. Does not know containers and codecs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from torch import Tensor

from videoflow.data.frame import Frame, Stamp
from videoflow.errors import SourceError
from videoflow.video.av.decoder import VideoDecoder
from videoflow.video.av.info import shown_source
from videoflow.video.opener import VideoOpener
from videoflow.video.picture import Picture

__all__ = ["Address", "LiveFeed", "Transport", "backoff_seconds", "make_address"]

FIRST_WAIT_SECONDS: Final = 0.5
MAX_WAIT_SECONDS: Final = 8.0
MAX_NOTES: Final = 5  # of lost connections, one by one; the rest is summed up
MAX_GAP_SECONDS: Final = 10.0

Transport = Literal["tcp", "udp"]
"""What RTSP's media travel over."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a live source is, as FFmpeg takes it.

    Attributes:
        url: A URL, or the path of a camera.
        container_format: FFmpeg's name of it where the URL does not tell.
        options: FFmpeg's options.
    """

    url: str
    container_format: str | None = None
    options: dict[str, str] = field(default_factory=dict)


def make_address(url: str, *, transport: Transport, options: Mapping[str, str]) -> Address:
    """Return how FFmpeg is to open a URL or a camera.

    Args:
        url: ``rtsp://...`` or another URL, or ``/dev/video0``.
        transport: How RTSP sends pictures; TCP loses none.
        options: FFmpeg's options, which go before our own.
    """
    scheme = url.partition("://")[0].lower()
    if url.startswith("/dev/"):
        return Address(url, "v4l2", dict(options))
    own: dict[str, str] = {}
    if scheme in ("rtsp", "rtsps"):
        own["rtsp_transport"] = transport
    elif scheme == "udp":
        own["overrun_nonfatal"] = "1"  # lose pictures, not the connection
    return Address(url, None, own | dict(options))


def backoff_seconds(num_tries: int) -> float:
    """Return how long to wait before the n-th try in a row, from 1 on.

    Example:
        >>> [backoff_seconds(n) for n in (1, 2, 3, 10)]
        [0.5, 1.0, 2.0, 8.0]
    """
    return float(min(FIRST_WAIT_SECONDS * 2 ** min(num_tries - 1, 10), MAX_WAIT_SECONDS))


class LiveFeed:
    """Reads a live source.

    Time runs on with the wall clock over a lost connection, and the index goes on: what was
    lost meanwhile nobody counted. Within a connection the source's own timestamps hold, until
    they go back or leap.

    Args:
        address: Of the source.
        stream: Name of the stream.
        opener: Opens it, on the reader's device.
        timeout_seconds: How long connecting, and each read, may take.
        max_reconnects: How often to try again in a row; None for ever, once it has worked.
        report: Hears of lost connections.
        clock: Monotonic seconds.
        sleep: Blocks for so many seconds.

    Attributes:
        num_reconnects: Tries to connect again, so far.
        lost_seconds: Without pictures because of lost connections, so far.
    """

    def __init__(  # noqa: PLR0913 - the clock is handed in for tests
        self,
        address: Address,
        *,
        stream: str,
        opener: VideoOpener,
        timeout_seconds: float,
        max_reconnects: int | None,
        report: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.num_reconnects = 0
        self.lost_seconds = 0.0
        self._address = address
        self._stream = stream
        self._opener = opener
        self._timeout_seconds = timeout_seconds
        self._max_reconnects = max_reconnects
        self._report = report
        self._clock = clock
        self._sleep = sleep
        self._decoder: VideoDecoder | None = None
        self._reason = ""  # of the last loss; empty before the first try
        self._num_tries = 0  # to connect again, since the last picture
        self._num_losses = 0
        self._num_undecodable = 0
        self._index = 0
        self._last_seconds: float | None = None  # on the clock
        self._last_pts_seconds = 0.0
        self._shift_seconds: float | None = None

    def read(self, *, memory: Callable[[tuple[int, ...]], Tensor]) -> Frame | None:
        """Return the next picture in memory from ``memory(shape)``.

        Blocks for at most the timeout and the wait before a try, times the tries.

        Returns:
            The frame, or None where the source came to its end and is not to be tried again.

        Raises:
            SourceError: It cannot be reached, and was tried as often as allowed.
        """
        while True:
            if self._decoder is None:
                self._connect()
            picture = self._decoder.read() if self._decoder is not None else None
            if picture is not None:
                return self._to_frame(picture, memory)
            if self._decoder is not None and not self._disconnect(self._decoder):
                return None

    def close(self) -> None:
        """Disconnect, let go of the device, and sum up what was lost."""
        if self._decoder is not None:
            self._num_undecodable += self._decoder.num_undecodable
            self._decoder.close()
            self._decoder = None
        self._opener.close()
        if self.num_reconnects:
            self._report(
                f"{self._stream}: connected again {self.num_reconnects} times, "
                f"{self.lost_seconds:.1f} s without pictures"
            )
        if self._num_undecodable:
            self._report(
                f"{self._stream}: {self._num_undecodable} packets could not be decoded"
            )

    def _connect(self) -> None:
        """Try to connect, once; the reason of a failure is kept."""
        if self._reason:
            self._check_patience()
            self._sleep(backoff_seconds(self._num_tries))
            self.num_reconnects += 1
        try:
            self._decoder = self._opener.open_url(
                self._address.url,
                timeout_seconds=self._timeout_seconds,
                container_format=self._address.container_format,
                options=self._address.options,
            )
        except SourceError as error:
            self._reason = error.message
        self._shift_seconds = None

    def _check_patience(self) -> None:
        self._num_tries += 1
        limit = self._max_reconnects
        if limit is None and self._last_seconds is None:
            limit = 0  # it never worked: more likely a wrong address than a pause
        if limit is not None and self._num_tries > limit:
            raise SourceError(
                f"{self._reason} (timeout {self._timeout_seconds:g} s, "
                f"max_reconnects={self._max_reconnects})",
                help="check address, password and network; "
                "max_reconnects=N waits for a source that is not there yet",
            )

    def _disconnect(self, decoder: VideoDecoder) -> bool:
        """Close a connection that gave nothing more; return whether to try again."""
        self._num_undecodable += decoder.num_undecodable
        how = decoder.demux_error or "the source ended"
        self._reason = f"{shown_source(self._address.url)}: {how}"
        decoder.close()
        self._decoder = None
        if self._max_reconnects != 0 or decoder.num_pictures == 0:
            return True
        if decoder.demux_error:
            self._report(f"{self._reason}: the stream ends, as max_reconnects=0 says")
        return False

    def _to_frame(self, picture: Picture, memory: Callable[[tuple[int, ...]], Tensor]) -> Frame:
        now = self._clock()
        if self._num_tries and self._last_seconds is not None:
            self._note_loss(now - self._last_seconds)
        self._num_tries = 0
        stamp = Stamp(
            self._stream, self._index, self._place(picture.pts_seconds, now), picture.size_hw
        )
        self._index += 1
        self._last_seconds = now
        self._last_pts_seconds = stamp.pts_seconds
        return picture.to_frame(stamp, memory=memory)

    def _note_loss(self, seconds: float) -> None:
        self.lost_seconds += seconds
        self._num_losses += 1
        if self._num_losses <= MAX_NOTES:
            self._report(f"{self._reason}: connected again, {seconds:.1f} s without pictures")

    def _place(self, own_pts_seconds: float | None, now: float) -> float:
        last = self._last_seconds
        if last is None:
            self._shift_seconds = -(own_pts_seconds or 0.0)
            return 0.0
        by_clock = self._last_pts_seconds + max(now - last, 0.001)
        if own_pts_seconds is None:
            return by_clock
        if self._shift_seconds is not None:
            pts_seconds = own_pts_seconds + self._shift_seconds
            if 0 < pts_seconds - self._last_pts_seconds <= MAX_GAP_SECONDS + now - last:
                return pts_seconds
        self._shift_seconds = by_clock - own_pts_seconds
        return by_clock
