"""Files played one after another as one stream: time and count run on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from torch import Tensor

from videoflow.data.frame import Frame, Stamp
from videoflow.video.av.decoder import VideoDecoder
from videoflow.video.opener import VideoOpener
from videoflow.video.pace import Pacer
from videoflow.video.picture import Picture
from videoflow.video.probe import no_picture_error

__all__ = ["Playlist"]

DEFAULT_FPS: Final = 25.0  # where neither the file nor its pictures tell a rate


class Playlist:
    """Reads the pictures of several files in their order; one file is open at a time.

    The first file keeps its own timestamps. Each later one, and each repetition, begins one
    picture after the end of what came before.

    Args:
        paths: At least one.
        stream: Name of the stream.
        opener: Opens the files, on the reader's device.
        is_looped: Begin again at the end, for ever.
        pacer: Holds frames back until they are due; None to play as fast as it goes.
        report: Hears once for each file what of it could not be read.
    """

    def __init__(  # noqa: PLR0913 - one switch for each way of playing
        self,
        paths: Sequence[Path],
        *,
        stream: str,
        opener: VideoOpener,
        is_looped: bool = False,
        pacer: Pacer | None = None,
        report: Callable[[str], None],
    ) -> None:
        self._paths = paths
        self._stream = stream
        self._opener = opener
        self._is_looped = is_looped
        self._pacer = pacer
        self._report = report
        self._num_opened = 0
        self._index = 0
        self._path = Path()
        self._decoder: VideoDecoder | None = None
        self._shift_seconds: float | None = 0.0  # None: not known before the next picture
        self._last_pts_seconds: float | None = None
        self._interval_seconds = 1 / DEFAULT_FPS

    def read(self, *, memory: Callable[[tuple[int, ...]], Tensor]) -> Frame | None:
        """Return the next picture in memory from ``memory(shape)``, or None at the end.

        Raises:
            SourceError: The next file cannot be opened, or nothing in it decodes.
        """
        picture = self._next_picture()
        if picture is None:
            return None
        stamp = Stamp(
            self._stream, self._index, self._place(picture.pts_seconds), picture.size_hw
        )
        self._index += 1
        if self._pacer is not None:
            self._pacer.wait_until(stamp.pts_seconds)
        return picture.to_frame(stamp, memory=memory)

    def close(self) -> None:
        """Close the open file, and let go of the device."""
        self._close_file()
        self._opener.close()

    def _next_picture(self) -> Picture | None:
        while self._decoder is not None or self._open_next():
            assert self._decoder is not None
            picture = self._decoder.read()
            if picture is not None:
                return picture
            self._finish_file(self._decoder)
        return None

    def _open_next(self) -> bool:
        if self._num_opened >= len(self._paths) and not self._is_looped:
            return False
        self._path = self._paths[self._num_opened % len(self._paths)]
        self._decoder = self._opener.open_file(self._path)
        if self._decoder.info.fps:
            self._interval_seconds = 1 / self._decoder.info.fps
        self._num_opened += 1
        return True

    def _finish_file(self, decoder: VideoDecoder) -> None:
        if decoder.num_pictures == 0:
            raise no_picture_error(self._path, decoder)
        loss = decoder.describe_loss()
        if loss and self._num_opened <= len(self._paths):
            self._report(loss)
        self._close_file()
        self._shift_seconds = None

    def _close_file(self) -> None:
        if self._decoder is not None:
            self._decoder.close()
            self._decoder = None

    def _place(self, own_pts_seconds: float | None) -> float:
        last = self._last_pts_seconds
        expected = 0.0 if last is None else last + self._interval_seconds
        if own_pts_seconds is None:
            pts_seconds = expected
        else:
            if self._shift_seconds is None:
                self._shift_seconds = expected - own_pts_seconds
            pts_seconds = own_pts_seconds + self._shift_seconds
        if last is not None and pts_seconds > last:
            self._interval_seconds = pts_seconds - last
        self._last_pts_seconds = pts_seconds
        return pts_seconds
