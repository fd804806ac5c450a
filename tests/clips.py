"""Synthetic videos whose truth is known: every frame is one grey that tells its index."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import cast

import av
import numpy as np
import torch
from av.video.stream import VideoStream
from numpy.typing import NDArray

from videoflow.data import ColorSpec, Frame, Stamp
from videoflow.data.color import rgb_to_nv12
from videoflow.video.probe import open_file

TICKS_PER_SECOND = 90_000


def grey_of(index: int) -> int:
    """Return the grey level, 0 to 255, of a frame; it repeats after ten."""
    return 30 + 20 * (index % 10)


def index_of(frame: Frame) -> int:
    """Return the index, modulo ten, that a decoded frame shows."""
    return round((float(frame.rgb().float().mean()) - 30) / 20)


def write_clip(
    path: Path,
    *,
    num_frames: int = 8,
    size_hw: tuple[int, int] = (48, 64),
    fps: int = 10,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    timestamps: Sequence[float] | None = None,
    options: dict[str, str] | None = None,
) -> Path:
    """Write a clip; timestamps in seconds stand in for a fixed rate."""
    times = timestamps or [index / fps for index in range(num_frames)]
    with av.open(str(path), "w", options=options or {}) as container:
        stream = cast(VideoStream, container.add_stream(codec, rate=fps))
        stream.height, stream.width = size_hw
        stream.pix_fmt = pix_fmt
        if timestamps:
            stream.time_base = Fraction(1, TICKS_PER_SECOND)
            stream.codec_context.time_base = Fraction(1, TICKS_PER_SECOND)
        for index, time in enumerate(times):
            picture = grey_picture(index, size_hw=size_hw)
            frame = av.VideoFrame.from_ndarray(picture, "rgb24").reformat(format=pix_fmt)
            frame.pts = round(time * TICKS_PER_SECOND) if timestamps else index
            frame.time_base = Fraction(1, TICKS_PER_SECOND if timestamps else fps)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def cut_clip(source: Path, path: Path, *, num_frames: int) -> Path:
    """Write the first pictures of a video without B-frames, as they are."""
    with av.open(str(source)) as video, av.open(str(path), "w") as container:
        stream = container.add_stream_from_template(video.streams.video[0])
        for packet in islice(video.demux(video=0), num_frames):
            packet.stream = stream
            container.mux(packet)
    return path


def grey_picture(index: int, *, size_hw: tuple[int, int] = (48, 64)) -> NDArray[np.uint8]:
    """Return uint8 ``[H, W, 3]`` in the grey of ``index``."""
    return np.full((*size_hw, 3), grey_of(index), np.uint8)


def write_image(path: Path, picture: NDArray[np.uint8]) -> Path:
    """Write uint8 ``[H, W, 3]`` in the format of the path's ending."""
    codec, pix_fmt = {
        ".png": ("png", "rgb24"),
        ".jpg": ("mjpeg", "yuvj420p"),
        ".bmp": ("bmp", "bgr24"),
    }[path.suffix]
    context = av.CodecContext.create(codec, "w")
    assert isinstance(context, av.VideoCodecContext)
    context.height, context.width = picture.shape[:2]
    context.pix_fmt = pix_fmt
    context.time_base = Fraction(1, 25)
    frame = av.VideoFrame.from_ndarray(picture, "rgb24").reformat(format=pix_fmt)
    packets = [*context.encode(frame), *context.encode(None)]
    path.write_bytes(b"".join(bytes(packet) for packet in packets))
    return path


def make_frame(
    index: int,
    *,
    pts_seconds: float | None = None,
    size_hw: tuple[int, int] = (48, 64),
    layout: str = "nv12",
    color: ColorSpec | None = None,
) -> Frame:
    """Return a grey frame that tells its index, at ten frames a second."""
    stamp = Stamp("door", index, index / 10 if pts_seconds is None else pts_seconds, size_hw)
    rgb = torch.full((1, 3, *size_hw), grey_of(index), dtype=torch.uint8)
    if layout == "rgb":
        return Frame(rgb[0], stamp, "rgb")
    color = color or ColorSpec()
    return Frame(rgb_to_nv12(rgb, color)[0], stamp, "nv12", color)


def read_frames(path: Path) -> list[Frame]:
    """Return all frames of a file."""
    with open_file(path, num_threads=1) as decoder:
        return [
            picture.to_frame(
                Stamp("s", index, picture.pts_seconds or 0.0, picture.size_hw),
                memory=lambda shape: torch.empty(shape, dtype=torch.uint8),
            )
            for index, picture in enumerate(iter(decoder.read, None))
        ]
