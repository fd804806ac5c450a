"""One video file as a stream of frames."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Unpack

from videoflow.core.node import NodeOptions
from videoflow.producers.playlist_reader import PlaylistReader

__all__ = ["VideoFileReader", "VideofileReader"]


class VideoFileReader(PlaylistReader):
    """Read the frames of a video file straight into the flow's memory.

    Where there is a GPU it decodes (``device="auto"``); where it cannot, the CPU does and the
    flow's report says why. ``device="cpu"`` leaves the GPU alone, and ``"cuda"`` or
    ``"cuda:1"`` refuses to start without one.

    8-bit 4:2:0 of an even size arrives as NV12, all else (10 and 12 bit, 4:2:2, 4:4:4, odd
    sizes) as RGB. A file that is cut off or damaged delivers what decodes, and the flow's
    report says what was lost. A file whose size changes changes the size of its frames.

    Args:
        path: Of the file.
        stream: Name of the stream; by default the file's name without its ending.
        realtime: Play at the recording's own speed, as a camera would.
        loop: Begin again at the end, for ever; time and index run on.
        **options: See ``NodeOptions``; ``num_threads`` are the decoder's, two by default.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        stream: str | None = None,
        realtime: bool = False,
        loop: bool = False,
        **options: Unpack[NodeOptions],
    ) -> None:
        self._path = Path(path)
        super().__init__(stream or self._path.stem, realtime, loop, **options)

    def _list(self) -> list[Path]:
        return [self._path]


VideofileReader = VideoFileReader
"""The same under its name of 2020."""
