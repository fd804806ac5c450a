"""One video file as a stream of frames."""

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

__all__ = ["VideoFileReader", "VideofileReader"]


class VideoFileReader(ProducerNode):
    """Reads the frames of a video file straight into the flow's memory.

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

    prefers_gpu: ClassVar[bool] = True
    preload: ClassVar[tuple[str, ...]] = ("torch", "av", "videoflow.video.playlist")

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        stream: str | None = None,
        realtime: bool = False,
        loop: bool = False,
        **options: Unpack[NodeOptions],
    ) -> None:
        super().__init__(**options)
        self._path = Path(path)
        self._stream = stream or self._path.stem
        self._is_realtime = realtime
        self._is_looped = loop
        self._info: VideoInfo | None = None
        self._playlist: Playlist | None = None

    @property
    def stream(self) -> str:
        """The stream's name."""
        return self._stream

    @property
    def num_items(self) -> int | None:
        """As the container counts its frames, or None where it does not, or they loop."""
        if self._is_looped:
            return None
        try:
            return self._probe().num_frames
        except SourceError:
            return None

    @property
    def item_bytes(self) -> int | None:
        """How large a frame is, or None where the file does not tell."""
        try:
            return self._probe().frame_bytes
        except SourceError:
            return None

    def check(self) -> None:
        """Refuse a file that is missing, empty, no video, or has no frame that decodes.

        Raises:
            SourceError: So it is.
            GraphError: A GPU was named that is not there.
        """
        from videoflow.video.capabilities import check_device

        check_device(self.options["device"])
        self._probe()

    def open(self) -> None:
        """Get ready to play; the file is opened with the first frame."""
        from videoflow.video.capabilities import open_on
        from videoflow.video.opener import VideoOpener  # torch and av: only for who plays
        from videoflow.video.pace import Pacer
        from videoflow.video.playlist import Playlist

        self._playlist = Playlist(
            [self._path],
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
            StopIteration: The file has ended.
            SourceError: Nothing in the file decodes.
        """
        if self._playlist is None:
            raise FlowStateError(f"{self.name!r} is not open", help="call open() first")
        frame = self._playlist.read(memory=self.slot_tensor)
        if frame is None:
            raise StopIteration
        return frame

    def close(self) -> None:
        """Close the file."""
        if self._playlist is not None:
            self._playlist.close()
            self._playlist = None

    def _probe(self) -> VideoInfo:
        from videoflow.video.probe import probe  # torch and av: only for who plays

        if self._info is None:
            self._info = probe(self._path)
        return self._info


VideofileReader = VideoFileReader
"""The same under its name of 2020."""
