"""Frames to an H.264 file that a browser plays, complete or not there at all."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Final

from torch import Tensor

from videoflow.data.color import choose_color, nv12_to_rgb, rgb_to_nv12
from videoflow.data.color_spec import ColorSpec
from videoflow.data.frame import Frame
from videoflow.data.planes import pad_to_even, resize_nv12
from videoflow.errors import OutputError
from videoflow.video.av.encoder import TICKS_PER_SECOND, OutputForm, Preset
from videoflow.video.encoding import EncoderOpener, PictureEncoder

__all__ = ["CONTAINERS", "VideoWriter", "check_suffix"]

CONTAINERS: Final = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska"}
DEFAULT_NUM_THREADS: Final = 4
DEFAULT_DURATION_TICKS: Final = TICKS_PER_SECOND // 25
_UNSPECIFIED_MATRIX: Final = 2  # ITU-T H.273


class VideoWriter:
    """Writes one stream to one file: H.264 4:2:0, by NVENC or by libx264.

    NVENC encodes frames that are on a GPU which has it. All others are encoded by libx264,
    which comes with PyAV's wheel and is licensed under the GPL; that matters to who
    redistributes the wheel.

    The file is made under a hidden name in its folder, and takes its own name, and the place
    of an older file, only on ``publish``. What is in it:

    - Time: the first frame is at 0, the others keep their distance to it, so that a variable
      frame rate stays one. Where timestamps do not grow (a source that began anew), the film
      goes on at the last distance.
    - Size: that of the first frame; an odd one is made even by repeating the last row or
      column. A later frame of another size is scaled to fit and centred on black.
    - Colour: matrix and range of the first frame, and the file says so. RGB is written as
      limited range, BT.601 up to 576 lines and BT.709 above.

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
        self._partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
        self._preset: Preset = preset
        self._crf = crf
        self._num_threads = num_threads or DEFAULT_NUM_THREADS
        self._report = report
        self._opener = opener or EncoderOpener(report=report)
        self._encoder: PictureEncoder | None = None
        self._size_hw = (0, 0)
        self._color = ColorSpec()
        self._shift_ticks = 0
        self._last_ticks = 0
        self._duration_ticks = DEFAULT_DURATION_TICKS
        self._is_size_reported = False

    def write(self, frame: Frame) -> None:
        """Encode a frame; its memory may be used again, in stream order, on return.

        Raises:
            OutputError: The file cannot be written.
        """
        planes, color = _to_planes(frame)
        if self._encoder is None:
            self._encoder = self._open(planes, color, pts_seconds=frame.pts_seconds)
            ticks = 0
        else:
            planes = self._conform(planes, color)
            ticks = self._place(frame.pts_seconds)
        self._encoder.write(planes, pts_ticks=ticks, duration_ticks=self._duration_ticks)

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
        try:
            encoder.close()
            self._partial.replace(self._path)
        except OSError as error:
            self._partial.unlink(missing_ok=True)
            if isinstance(error, OutputError):
                raise
            raise OutputError(
                f"{self._path}: cannot take its name: {error.strerror}",
                help="check that the folder is still there and may be written",
            ) from error
        return self._path

    def abort(self) -> None:
        """Remove what was written; an older file of the same name stays. Safe to call twice."""
        encoder, self._encoder = self._encoder, None
        if encoder is not None:
            encoder.abort()
            self._partial.unlink(missing_ok=True)

    def _open(self, planes: Tensor, color: ColorSpec, *, pts_seconds: float) -> PictureEncoder:
        self._size_hw = _size_of(planes)
        self._color = color
        self._shift_ticks = -round(pts_seconds * TICKS_PER_SECOND)
        form = OutputForm(
            path=str(self._partial),
            container_format=self._container,
            size_hw=self._size_hw,
            color=color,
            preset=self._preset,
            crf=self._crf,
            num_threads=self._num_threads,
        )
        return self._opener.open(form, planes)

    def _place(self, pts_seconds: float) -> int:
        ticks = round(pts_seconds * TICKS_PER_SECOND) + self._shift_ticks
        if ticks <= self._last_ticks:
            behind = self._last_ticks + self._duration_ticks - ticks
            self._shift_ticks += behind
            ticks += behind
        self._duration_ticks = ticks - self._last_ticks
        self._last_ticks = ticks
        return ticks

    def _conform(self, planes: Tensor, color: ColorSpec) -> Tensor:
        if color != self._color:
            planes = rgb_to_nv12(nv12_to_rgb(planes[None], color), self._color)[0]
        if _size_of(planes) != self._size_hw:
            if not self._is_size_reported:
                old, new = (
                    f"{width} x {height}" for height, width in (self._size_hw, _size_of(planes))
                )
                self._report(f"{self._path}: frames of {new} were fitted into {old}")
                self._is_size_reported = True
            planes = _fit(planes, self._size_hw, color=self._color)
        return planes


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


def _to_planes(frame: Frame) -> tuple[Tensor, ColorSpec]:
    if frame.layout == "nv12":
        return frame.pixels, frame.color
    rgb = pad_to_even(frame.pixels.unsqueeze(0))
    color = choose_color(_UNSPECIFIED_MATRIX, is_full_range=False, num_lines=rgb.shape[2])
    return rgb_to_nv12(rgb, color)[0], color


def _size_of(planes: Tensor) -> tuple[int, int]:
    return planes.shape[0] * 2 // 3, planes.shape[1]


def _fit(planes: Tensor, size_hw: tuple[int, int], *, color: ColorSpec) -> Tensor:
    """Scale to fit and centre on black; all offsets are even, so that chroma fits too."""
    height, width = size_hw
    own_height, own_width = _size_of(planes)
    scale = min(height / own_height, width / own_width)
    new_height = min(height, max(2, round(own_height * scale / 2) * 2))
    new_width = min(width, max(2, round(own_width * scale / 2) * 2))
    small = resize_nv12(planes[None], (new_height, new_width))[0]
    out = planes.new_empty((height * 3 // 2, width))
    out[:height] = 0 if color.is_full_range else 16
    out[height:] = 128
    top, left = (height - new_height) // 4 * 2, (width - new_width) // 4 * 2
    right = left + new_width
    out[top : top + new_height, left:right] = small[:new_height]
    first_row = height + top // 2
    out[first_row : first_row + new_height // 2, left:right] = small[new_height:]
    return out
