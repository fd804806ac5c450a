"""All videos of a folder as one stream of frames."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Unpack

from videoflow.core.node import NodeOptions
from videoflow.producers.playlist_reader import PlaylistReader

__all__ = ["VideoFolderReader"]


class VideoFolderReader(PlaylistReader):
    """Read all videos of a folder one after another, as one stream.

    They come in natural order (``2.mp4`` before ``10.mp4``), without hidden files and
    sub-folders. The index runs on; the first file keeps its timestamps and each later one
    begins one frame after the end of the one before. Else as ``VideoFileReader``.

    Args:
        folder: Of the files.
        stream: Name of the stream; by default the folder's name.
        realtime: Play at the recordings' own speed, as a camera would.
        loop: Begin again after the last file, for ever.
        **options: See ``NodeOptions``; ``num_threads`` are the decoder's, two by default.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        stream: str | None = None,
        realtime: bool = False,
        loop: bool = False,
        **options: Unpack[NodeOptions],
    ) -> None:
        self._folder = Path(folder)
        super().__init__(stream or self._folder.resolve().name, realtime, loop, **options)

    def _list(self) -> list[Path]:
        from videoflow.video.folder import VIDEO_SUFFIXES, list_folder

        return list_folder(self._folder, suffixes=VIDEO_SUFFIXES)
