"""Camera motion from a file, for each frame that comes by."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from videoflow.core.node import PerStreamProcessorNode
from videoflow.data.camera_motion import CameraMotion, compose_warps, read_warps
from videoflow.data.frame import Stamp
from videoflow.errors import GraphError, SourceError

__all__ = ["CameraMotionReader", "MotionReading"]


@dataclass(slots=True)
class MotionReading:
    """Where one stream is.

    Attributes:
        last_index: Of the frame before; None before the first.
    """

    last_index: int | None = None


class CameraMotionReader(PerStreamProcessorNode[MotionReading]):
    """Look up how the camera moved from the frame before to each frame.

    For a tracker that knows of moving cameras: ``BotSortTracker()(people, motion)``. Where
    frames are missing, their motion is part of the next one's. ``None`` in is None out.

    Args:
        path: A file of warps, see ``data.camera_motion.read_warps``. With None the motion is
            not known, and None comes out for every frame.
        first_frame: Which frame of the file, counted from 1, the stream's index 0 is.
        **options: See ``NodeOptions``.

    Raises:
        GraphError: ``first_frame`` is below 1.
    """

    auto_device = "cpu"
    is_light = True
    preload = ("numpy",)

    def __init__(
        self, path: str | os.PathLike[str] | None, *, first_frame: int = 1, **options: Any
    ) -> None:
        super().__init__(**options)
        if first_frame < 1:
            raise GraphError(f"{self.name!r}: got first_frame={first_frame}, want 1 or more")
        self._path = None if path is None else Path(path)
        self._first_frame = first_frame
        self._warps: NDArray[np.float64] | None = None

    def check(self) -> None:
        """Refuse a file that cannot be read or has a malformed row.

        Raises:
            SourceError: So it is; names file and line.
        """
        if self._path is not None:
            read_warps(self._path)

    def open(self) -> None:
        """Read the file."""
        if self._path is not None:
            self._warps = read_warps(self._path)

    def make_state(self, stream: str) -> MotionReading:
        """Return the place before the first frame."""
        return MotionReading()

    def process(self, state: MotionReading, *inputs: Any) -> CameraMotion | None:
        """Return the motion that led to one frame.

        Args:
            state: Of the stream.
            *inputs: Anything with a ``stamp``, or None.

        Raises:
            SourceError: The file ends before this frame.
        """
        if inputs[0] is None or self._warps is None:
            return None
        stamp: Stamp = inputs[0].stamp
        end = stamp.index + self._first_frame
        if end > len(self._warps):
            raise SourceError(
                f"{self._path}: got {len(self._warps)} frames, want frame {end}",
                help="first_frame says which frame of the file the stream begins with",
            )
        begin = end if state.last_index is None else state.last_index + self._first_frame
        state.last_index = stamp.index
        return CameraMotion(stamp, compose_warps(self._warps[begin:end]))
