"""Write tracks in the text form of the MOTChallenge, see ``data.mot``."""

from __future__ import annotations

from pathlib import Path
from types import NoneType
from typing import Any

import numpy as np

from videoflow.consumers.file_writer_node import FileWriterNode
from videoflow.consumers.published_file import PublishedFile
from videoflow.core.node import Ending
from videoflow.core.wanted import wanted_input
from videoflow.data.detections import Detections, Tracks
from videoflow.data.mot import mot_lines
from videoflow.errors import GraphError, OutputError

__all__ = ["MotWriter"]


class MotWriter(FileWriterNode[PublishedFile]):
    """Write a line for each box, to a file that appears, whole, when its stream has ended.

    ``frame,id,left,top,width,height,score,-1,-1,-1``: the frame counts from 1 (its index in
    the source and one), lengths are pixels with two decimals, the score has four. The id of
    detections is -1. ``None`` (nobody looked at the frame) writes nothing.

    Args:
        path: Of the file. The form has no place for a stream's name, so several streams want
            ``{stream}`` in it.
        min_area_px: Boxes of this area, in square pixels, or less are left out; None for none.
        max_aspect: Boxes whose width is more than so many times their height are left out;
            None for none. The protocol of MOT17 has 100 and 1.6.
        **options: See ``NodeOptions``.

    Raises:
        GraphError: ``nb_tasks`` is not 1 (two workers cannot write one file), or a limit that
            makes no sense.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        min_area_px: float | None = None,
        max_aspect: float | None = None,
        **options: Any,
    ) -> None:
        super().__init__(path, **options)
        if (min_area_px is not None and not min_area_px >= 0) or (
            max_aspect is not None and not max_aspect > 0
        ):
            raise GraphError(
                f"{self.name!r}: got min_area_px={min_area_px}, max_aspect={max_aspect}, "
                "want an area of 0 or more, and an aspect above 0, or None"
            )
        self.min_area_px = min_area_px
        self.max_aspect = max_aspect
        self._only_stream: str | None = None

    def make_file(self, path: Path) -> PublishedFile:
        """Open a file that will be at ``path``."""
        return PublishedFile(path)

    def open(self) -> None:
        """Begin; files are made when something is written."""
        super().open()
        self._only_stream = None

    def consume(self, *inputs: Any) -> None:
        """Write the boxes of one frame.

        Args:
            *inputs: Tracks, detections or None.

        Raises:
            GraphError: Something else.
            OutputError: A second stream for one file, or a file that cannot be written.
        """
        people: Tracks | Detections | None = wanted_input(
            self.name, inputs, 0, Tracks, Detections, NoneType
        )
        if people is not None:
            self._check_stream(people.stamp.stream)
            file = self.files.file_for(people.stamp.stream)
            file.write(mot_lines(self._kept(people)).encode())

    def end_stream(self, stream: str, ending: Ending) -> None:
        """Publish the file of ``stream`` if it has one of its own and did not fail."""
        self._check_stream(stream)
        super().end_stream(stream, ending)

    def _kept(self, people: Tracks | Detections) -> Tracks | Detections:
        if self.min_area_px is None and self.max_aspect is None:
            return people
        width, height = (people.boxes_xyxy[:, 2:] - people.boxes_xyxy[:, :2]).T
        is_kept = np.ones(len(people), np.bool_)
        if self.min_area_px is not None:
            is_kept &= width * height > self.min_area_px
        if self.max_aspect is not None:
            is_kept &= width <= self.max_aspect * height
        return people[is_kept]

    def _check_stream(self, stream: str) -> None:
        if "{stream}" in str(self.path):
            return
        if self._only_stream not in (None, stream):
            raise OutputError(
                f"{self.name!r}, {self.path}: got streams {self._only_stream!r} and "
                f"{stream!r}, want one for one file",
                help=f"MotWriter('{{stream}}-{self.path.name}')",
            )
        self._only_stream = stream
