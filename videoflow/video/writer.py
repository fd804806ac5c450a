"""Frames to an H.264 file that a browser plays, complete or not there at all."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

from torch import Tensor

from videoflow.data.frame import Frame
from videoflow.errors import OutputError
from videoflow.video.av.encoder import OutputForm, Preset
from videoflow.video.encoding import EncoderOpener, PictureEncoder
from videoflow.video.film import Film

__all__ = ["CONTAINERS", "VideoWriter", "check_suffix", "hidden_name", "publish_video"]

CONTAINERS: Final = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska"}
"""The ending of a video's name, and FFmpeg's name of what it is."""
DEFAULT_NUM_THREADS: Final = 4


class Completable(Protocol):
    """A file under way."""

    def close(self) -> None:
        """Complete the file."""


class VideoWriter:
    """Writes one stream to one file: H.264 4:2:0, by NVENC or by libx264.

    NVENC encodes frames that are on a GPU which has it. All others are encoded by libx264,
    which comes with PyAV's wheel and is licensed under the GPL; that matters to who
    redistributes the wheel.

    The file is made under a hidden name in its folder, and takes its own name, and the place
    of an older file, only on ``publish``. Time, size and colour are those of a ``Film``, and
    the file says which colour that is.

    Args:
        path: Ends in ``.mp4``, ``.m4v``, ``.mov`` or ``.mkv``; its folder exists.
        preset: libx264's trade of speed for size; stands for NVENC's P1 to P7.
        crf: libx264's quality, 0 (lossless) to 51; 23 is its own default. For NVENC it is,
            rounded, the constant quantiser, which makes somewhat larger files.
        num_threads: Threads of libx264; None for four.
        report: Hears about frames of another size, once.
        opener: Chooses the encoder; by default one for this file alone.

    Raises:
        OutputError: An unknown ending.
    """

    def __init__(  # noqa: PLR0913 - what a film is told once
        self,
        path: Path,
        *,
        preset: Preset = "veryfast",
        crf: float = 23.0,
        num_threads: int | None = None,
        report: Callable[[str], None] = lambda _: None,
        opener: EncoderOpener | None = None,
    ) -> None:
        self._container = check_suffix(path)
        self._path = path
        self._partial = hidden_name(path)
        self._preset: Preset = preset
        self._crf = crf
        self._num_threads = num_threads or DEFAULT_NUM_THREADS
        self._film = Film(str(path), report=report)
        self._opener = opener or EncoderOpener(report=report)
        self._encoder: PictureEncoder | None = None

    def write(self, frame: Frame) -> None:
        """Encode a frame; its memory may be used again, in stream order, on return.

        Raises:
            OutputError: The file cannot be written.
        """
        picture = self._film.take(frame)
        if self._encoder is None:
            self._encoder = self._open(picture.planes)
        self._encoder.write(
            picture.planes,
            pts_ticks=picture.pts_ticks,
            duration_ticks=picture.duration_ticks,
        )

    def publish(self) -> Path | None:
        """Complete the file and give it its name; the writer is done then.

        Returns:
            The path, or None where no frame was written: then nothing is there, and an older
            file stays.

        Raises:
            OutputError: The file cannot be completed; nothing is published.
        """
        encoder, self._encoder = self._encoder, None
        if encoder is None:
            return None
        publish_video(encoder, self._partial, self._path)
        return self._path

    def abort(self) -> None:
        """Remove what was written; an older file of the same name stays. Safe to call twice."""
        encoder, self._encoder = self._encoder, None
        if encoder is not None:
            encoder.abort()
            self._partial.unlink(missing_ok=True)

    def _open(self, planes: Tensor) -> PictureEncoder:
        form = OutputForm(
            path=str(self._partial),
            container_format=self._container,
            size_hw=self._film.size_hw,
            color=self._film.color,
            preset=self._preset,
            crf=self._crf,
            num_threads=self._num_threads,
        )
        return self._opener.open(form, planes)


def hidden_name(path: Path) -> Path:
    """Return a name beside ``path`` that nobody sees, and that no other writer has."""
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")


def publish_video(encoder: Completable, partial: Path, path: Path) -> None:
    """Complete a file and give it its name; where that fails nothing is left of it.

    Raises:
        OutputError: It cannot be completed.
    """
    try:
        encoder.close()
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        if isinstance(error, OutputError):
            raise
        raise OutputError(
            f"{path}: cannot take its name: {error.strerror}",
            help="check that the folder is still there and may be written",
        ) from error


def check_suffix(path: Path) -> str:
    """Return FFmpeg's name of the container that the ending of ``path`` stands for.

    Raises:
        OutputError: There is none.
    """
    container = CONTAINERS.get(path.suffix.lower())
    if container is None:
        raise OutputError(
            f"{path}: got the ending {path.suffix!r}, want one of {', '.join(CONTAINERS)}",
            help="browsers play .mp4",
        )
    return container
