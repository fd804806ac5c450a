"""Videos that are made here, so that tests need no file from elsewhere."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np

__all__ = ["write_video"]


def write_video(
    path: Path, *, num_frames: int = 12, size_hw: tuple[int, int] = (96, 128)
) -> Path:
    """Write an H.264 video of a bright square that goes from left to right; return ``path``."""
    height, width = size_hw
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for index in range(num_frames):
            picture = np.full((height, width, 3), 40, np.uint8)
            left = index * (width - 16) // max(1, num_frames - 1)
            picture[height // 2 - 8 : height // 2 + 8, left : left + 16] = 220
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path
