"""What every node that plays video files does: one file or many, as one stream."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Unpack

from videoflow.core.node import NodeOptions, ProducerNode
from videoflow.data.frame import Frame
from videoflow.errors import FlowStateError, SourceError

if TYPE_CHECKING:
    from videoflow.video.av.info import VideoInfo
    from videoflow.video.playlist import Playlist

__all__ = ["PlaylistReader"]


class PlaylistReader(ProducerNode):
    """Read video files one after another, as one stream.

    A kind of its own between the node and its readers, because all that differs between them
    is which files they play.

    Args:
        stream: Name of the stream.
        realtime: Play at the recordings' own speed, as a camera would.
        loop: Begin again after the last file, for ever; time and index run on.
        **options: See ``NodeOptions``; ``num_threads`` are the decoder's, two by default.
    """

    auto_device = "gpu"
    preload: ClassVar[tuple[str, ...]] = ("torch", "av", "videoflow.video.playlist")

    def __init__(
        self, stream: str, realtime: bool, loop: bool, /, **options: Unpack[NodeOptions]
    ) -> None:
        super().__init__(**options)
        self._stream = stream
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
        """As the containers count their frames, or None where one does not, or they loop."""
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
        """Size of the largest frame, or None where a file does not tell."""
        try:
            sizes = [info.frame_bytes for info in self._probe()]
        except SourceError:
            return None
        known = [size for size in sizes if size is not None]
        return max(known) if len(known) == len(sizes) else None

    @property
    def size_hw(self) -> tuple[int, int] | None:
        """As the containers say it, or None where one does not, or they differ."""
        try:
            sizes = {info.size_hw for info in self._probe()}
        except SourceError:
            return None
        size_hw, *others = sizes
        return size_hw if all(size_hw) and not others else None

    def check(self) -> None:
        """Refuse what is missing or empty, and a file without a frame that decodes.

        Raises:
            SourceError: So it is.
            GraphError: A GPU was named that is not there.
        """
        from videoflow.video.capabilities import check_device

        check_device(self.options["device"])
        self._probe()

    def open(self) -> None:
        """Get ready to play; each file is opened in its turn.

        Raises:
            SourceError: There is no file to play.
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

    @abstractmethod
    def _list(self) -> list[Path]:
        """Return the files, at least one, in the order to play them."""

    def _probe(self) -> list[VideoInfo]:
        from videoflow.video.probe import probe  # torch and av: only for who plays

        if self._infos is None:
            self._infos = [probe(path) for path in self._list()]
        return self._infos
