"""What a container says about its video, and how its address is shown."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import av
from av.container import InputContainer
from av.video.stream import VideoStream

__all__ = ["PLANAR_420", "VideoInfo", "shown_source", "video_info"]

PLANAR_420: Final = ("yuv420p", "yuvj420p", "nv12")
"""FFmpeg's names of pixels with 8 bits and one colour for 2 x 2 of them."""


_MAX_FPS: Final = 1000  # above it a container tells its time base, not its rate


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """What a container and its first packets say about its video.

    Attributes:
        codec: FFmpeg's name of it, such as ``h264``.
        size_hw: Height and width in pixels as the container says them; (0, 0) if it does not.
        fps: Mean frames a second, or None where nobody knows.
        num_frames: As the container counts them, else estimated from the duration, or None.
        duration_seconds: Of the video, or None.
        pixel_format: FFmpeg's name of how samples lie, such as ``yuv420p``, or None.
    """

    codec: str
    size_hw: tuple[int, int]
    fps: float | None
    num_frames: int | None
    duration_seconds: float | None
    pixel_format: str | None = None

    @property
    def frame_bytes(self) -> int | None:
        """How large a frame is, as NV12 or as RGB; None where nobody knows before."""
        height, width = self.size_hw
        if not height or not width:
            return None
        is_nv12 = self.pixel_format in PLANAR_420 and not (height % 2 or width % 2)
        return height * width * 3 // 2 if is_nv12 else height * width * 3


def video_info(container: InputContainer, stream: VideoStream) -> VideoInfo:
    """Return what an open container says about one of its video streams."""
    rate = stream.average_rate or stream.guessed_rate
    fps = float(rate) if rate and 0 < rate <= _MAX_FPS else None
    duration: float | None = None
    if stream.duration and stream.time_base:
        duration = float(stream.duration * stream.time_base)
    elif container.duration:
        duration = container.duration / av.time_base
    estimate = round(duration * fps) if duration and fps else None
    return VideoInfo(
        codec=stream.codec_context.name,
        size_hw=(stream.codec_context.height, stream.codec_context.width),
        fps=fps,
        num_frames=stream.frames or estimate,
        duration_seconds=duration,
        pixel_format=stream.codec_context.pix_fmt,
    )


def shown_source(source: str) -> str:
    """Return a source as messages show it: without FFmpeg's prefix, and without a password."""
    return re.sub(r"(?<=://)[^/@]*@", "", source.removeprefix("file:"))
