"""The clip that ``gpu.py`` makes where it is given none."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import torch

__all__ = ["write_clip"]


def write_clip(
    path: Path, *, source: Path | None, size_hw: tuple[int, int], num_frames: int
) -> None:
    """Write an H.264 clip of 30 frames a second.

    Args:
        path: Of the clip.
        source: A video whose pictures are scaled up; None for a pattern that moves.
        size_hw: Height and width in pixels.
        num_frames: Its length; a source that is shorter begins again.
    """
    height, width = size_hw
    pictures = list(_read(source, num_frames)) if source else []
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30, options={"preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for index in range(num_frames):
            picture = pictures[index % len(pictures)] if pictures else _pattern(index, size_hw)
            frame = picture.reformat(width=width, height=height, format="yuv420p")
            frame.pts, frame.time_base = index, Fraction(1, 30)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _read(source: Path, num: int) -> Any:
    with av.open(str(source)) as container:
        for index, frame in enumerate(container.decode(video=0)):
            if index == num:
                return
            yield frame


def _pattern(index: int, size_hw: tuple[int, int]) -> Any:
    height, width = size_hw
    rows = torch.arange(height)[:, None] + 3 * index
    columns = torch.arange(width)[None, :] + 5 * index
    levels = ((rows ^ columns) % 256).to(torch.uint8)
    pixels = torch.stack((levels, levels.flip(0), levels.flip(1)), dim=2)
    return av.VideoFrame.from_ndarray(pixels.contiguous().numpy(), format="rgb24")
