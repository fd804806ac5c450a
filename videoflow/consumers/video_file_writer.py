"""Streams of frames to video files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final, Unpack

from videoflow.consumers.path_template import placeholders
from videoflow.core.node import ConsumerNode, Ending, NodeOptions
from videoflow.data.frame import Frame
from videoflow.errors import OutputError

if TYPE_CHECKING:
    from videoflow.video.av.encoder import Preset
    from videoflow.video.capabilities import EncoderName
    from videoflow.video.encoding import EncoderOpener
    from videoflow.video.writer import VideoWriter

__all__ = ["VideoFileWriter", "VideofileWriter"]

_ENCODERS: Final = ("auto", "nvenc", "cpu")


class VideoFileWriter(ConsumerNode):
    """Writes each stream to an H.264 file that a browser plays.

    A file takes its name when its stream has finished or was stopped, never when it failed;
    until then, and where the flow is torn down, an older file of that name stays. How time,
    size and colour are written: see ``videoflow.video.writer.VideoWriter``; in short, the
    first frame decides, and a later one of another size is fitted into the first one's.

    Frames that are on a GPU are encoded there if it has NVENC (H100, H200 and A100 have
    none); else each is copied to the host, and the flow's report says why and how many.

    Args:
        path: Ends in ``.mp4``, ``.m4v``, ``.mov`` or ``.mkv``. ``{stream}`` stands for the
            stream's name, and several streams need it; a ``/`` in a name becomes ``_``.
        preset: libx264's trade of speed for size; stands for NVENC's P1 to P7.
        crf: libx264's quality, 0 (lossless) to 51; for NVENC the constant quantiser.
        encoder: ``auto`` as above; ``nvenc`` for frames of the host too, and refused where
            there is none; ``cpu`` for libx264.
        **options: See ``NodeOptions``; ``num_threads`` are each encoder's, four by default.
    """

    preload: ClassVar[tuple[str, ...]] = ("torch", "av", "videoflow.video.writer")

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        preset: Preset = "veryfast",
        crf: float = 23.0,
        encoder: EncoderName = "auto",
        **options: Unpack[NodeOptions],
    ) -> None:
        super().__init__(**options)
        self._path = os.path.expanduser(path)
        self._preset: Preset = preset
        self._crf = crf
        self._encoder: EncoderName = encoder
        self._opener: EncoderOpener | None = None
        self._writers: dict[str, VideoWriter] = {}
        self._owners: dict[Path, str] = {}  # also of files that are complete
        self._ended: list[str] = []

    def check(self) -> None:
        """Refuse a path that cannot be written; makes the folders above it.

        Raises:
            OutputError: A folder, an unknown ending, another placeholder than ``{stream}``,
                a folder above it that cannot be made or written, an unknown encoder, or
                NVENC where there is none.
        """
        from videoflow.video.writer import check_suffix  # torch and av: only for who writes

        self._check_encoder()
        names = placeholders(self._path)
        if names - {"stream"}:
            raise OutputError(
                f"{self._path}: got {{{sorted(names - {'stream'})[0]}}}, want only {{stream}}",
                help="write {{ and }} for braces of the name itself",
            )
        check_suffix(Path(self._path))
        target = Path(self._expand("stream"))
        if target.is_dir():
            raise OutputError(f"{target}: got a folder, want the name of a file")
        if not placeholders(str(Path(self._path).parent)):
            _make_folder(target.parent)

    def consume(self, *inputs: Frame) -> None:
        """Encode a frame.

        Raises:
            OutputError: The file cannot be written, or belongs to another stream.
        """
        (frame,) = inputs
        writer = self._writers.get(frame.stream)
        if writer is None:
            writer = self._writers[frame.stream] = self._make_writer(frame.stream)
        writer.write(frame)

    def output_path(self, stream: str) -> Path:
        """Return the file of ``stream``."""
        return Path(self._expand(stream))

    def end_stream(self, stream: str, ending: Ending) -> None:
        """Publish the stream's file, or remove it where the stream failed.

        Raises:
            OutputError: The file cannot be completed.
        """
        self._ended.append(stream)
        writer = self._writers.pop(stream, None)
        if ending == "failed":
            if writer is not None:
                writer.abort()
        elif writer is None:
            self.note(f"{self._expand(stream)}: not written, its stream had no frame")
        else:
            writer.publish()

    def close(self) -> None:
        """Remove what was not published.

        Raises:
            OutputError: There were frames of a stream that is none of the flow's.
        """
        foreign = next(iter(self._writers), None)
        while self._writers:
            self._writers.popitem()[1].abort()
        opener, self._opener = self._opener, None
        if opener is not None and (downloads := opener.describe_downloads()):
            self.note(downloads)
        ended, self._ended = self._ended, []
        if foreign is not None and ended:
            raise OutputError(
                f"{self._path}: got frames of {foreign!r}, want a stream of the flow: "
                f"{', '.join(ended)}",
                help="stamp frames with the name of their stream, Stamp(stream=...)",
            )

    def _check_encoder(self) -> None:
        from videoflow.video.capabilities import choose_encoding, probe_video  # torch

        if self._encoder not in _ENCODERS:
            raise OutputError(
                f"encoder: got {self._encoder!r}, want one of {', '.join(_ENCODERS)}",
                help="'auto' encodes frames where they are",
            )
        choose_encoding(probe_video, self._encoder)

    def _make_writer(self, stream: str) -> VideoWriter:
        from videoflow.video.encoding import EncoderOpener  # torch and av: only for who writes
        from videoflow.video.writer import VideoWriter

        if self._opener is None:
            _, _, gpu = self.device.partition(":")
            self._opener = EncoderOpener(
                self._encoder, default_gpu=int(gpu or 0), report=self.note
            )
        path = Path(self._expand(stream))
        owner = self._owners.setdefault(path, stream)
        if owner != stream:
            raise OutputError(
                f"{path}: got frames of {stream!r}, want those of {owner!r} only",
                help="several streams need {stream} in the path: out-{stream}.mp4",
            )
        _make_folder(path.parent)
        return VideoWriter(
            path,
            preset=self._preset,
            crf=self._crf,
            num_threads=self.options["num_threads"],
            report=self.note,
            opener=self._opener,
        )

    def _expand(self, stream: str) -> str:
        return self._path.format(stream=stream.replace("/", "_"))


VideofileWriter = VideoFileWriter
"""The same under its name of 2020."""


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"{folder}: cannot be made: {error.strerror}",
            help="choose another folder, or make it writable",
        ) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(
            f"{folder}: got a folder that may not be written, want one that may",
            help="choose another folder, or make it writable",
        )
