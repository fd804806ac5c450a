"""All videos of a folder as one stream of frames."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Unpack

from videoflow.core.node import NodeOptions, ProducerNode
from videoflow.data.frame import Frame
from videoflow.errors import FlowStateError, SourceError

if TYPE_CHECKING:
    from videoflow.video.av.info import VideoInfo
    from videoflow.video.playlist import Playlist

__all__ = ["VideoFolderReader"]


class VideoFolderReader(ProducerNode):
    """Reads all videos of a folder one after another, as one stream.

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

    prefers_gpu: ClassVar[bool] = True
    preload: ClassVar[tuple[str, ...]] = ("torch", "av", "videoflow.video.playlist")

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        stream: str | None = None,
        realtime: bool = False,
        loop: bool = False,
        **options: Unpack[NodeOptions],
    ) -> None:
        super().__init__(**options)
        self._folder = Path(folder)
        self._stream = stream or self._folder.resolve().name
        self._is_realtime = realtime
        self._is_looped = loop
        self._infos: list[VideoInfo] | None = None
        self._playlist: Playlist | None = None

    @property
    def stream(self) -> str:
        """The stream's name."""
        return self._stream

    @property
    def num_items(self) -> int | None:
        """The sum over all files, or None where one does not tell, or they loop."""
        if self._is_looped:
            return None
        try:
            counts = [info.num_frames for info in self._probe()]
        except SourceError:
            return None
        known = [count for count in counts if count is not None]
        return sum(known) if len(known) == len(counts) else None

    @property
    def item_bytes(self) -> int | None:
        """Of the largest frame of all files, or None where one does not tell."""
        try:
            sizes = [info.frame_bytes for info in self._probe()]
        except SourceError:
            return None
        known = [size for size in sizes if size is not None]
        return max(known) if len(known) == len(sizes) else None

    def check(self) -> None:
        """Refuse a folder that is missing or has no video, and any file that is no video.

        Raises:
            SourceError: So it is.
            GraphError: A GPU was named that is not there.
        """
        from videoflow.video.capabilities import check_device

        check_device(self.options["device"])
        self._probe()

    def open(self) -> None:
        """List the folder; each file is opened in its turn.

        Raises:
            SourceError: The folder is missing or has no video.
        """
        from videoflow.video.capabilities import open_on
        from videoflow.video.opener import VideoOpener  # torch and av: only for who plays
        from videoflow.video.pace import Pacer
        from videoflow.video.playlist import Playlist

        self._playlist = Playlist(
            self._list(),
            stream=self._stream,
            opener=VideoOpener(
                device=open_on(self.device, option=self.options["device"]),
                num_threads=self.options["num_threads"],
                report=self.note,
            ),
            is_looped=self._is_looped,
            pacer=Pacer() if self._is_realtime else None,
            report=self.note,
        )

    def next(self) -> Frame:
        """Return the next frame; with ``realtime`` it blocks until the frame is due.

        Raises:
            StopIteration: The last file has ended.
            SourceError: Nothing in a file decodes.
        """
        if self._playlist is None:
            raise FlowStateError(f"{self.name!r} is not open", help="call open() first")
        frame = self._playlist.read(memory=self.slot_tensor)
        if frame is None:
            raise StopIteration
        return frame

    def close(self) -> None:
        """Close the file that is open."""
        if self._playlist is not None:
            self._playlist.close()
            self._playlist = None

    def _list(self) -> list[Path]:
        from videoflow.video.folder import VIDEO_SUFFIXES, list_folder

        return list_folder(self._folder, suffixes=VIDEO_SUFFIXES)

    def _probe(self) -> list[VideoInfo]:
        from videoflow.video.probe import probe  # torch and av: only for who plays

        if self._infos is None:
            self._infos = [probe(path) for path in self._list()]
        return self._infos
