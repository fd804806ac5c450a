"""Count who crosses a line in each stream: ``vision.counting.LineCrossings`` as a node."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from videoflow.core.node import PerStreamProcessorNode
from videoflow.data.geometry import Line, Numbers
from videoflow.errors import ConfigError, GraphError, ShapeError
from videoflow.processors.picture_sizes import known_sizes, refuse_other_size
from videoflow.processors.wanted_tracks import wanted_tracks
from videoflow.vision.counting import LineCrossings, line_touches_picture

if TYPE_CHECKING:
    from videoflow.data import Counts, Tracks

__all__ = ["LineCounter", "LineCounting"]


class LineCounter(PerStreamProcessorNode["LineCounting"]):
    """Count the objects that cross one or more lines; what counts is in ``docs/counting.md``.

    Without a line, each stream gets one that is called ``line`` and runs across the picture
    from left to right at half its height, so that *in* is downwards; where the picture changes
    its size, so does this line, and the totals go on.

    Where a tracker passes ``None``, ``None`` comes out.

    Args:
        start: (x, y) in pixels of the source picture, where the line begins.
        end: (x, y), where it ends. From the left of the line to its right is *in*.
        lines: Instead of ``start`` and ``end``: name to (x, y, x, y), to (start, end), or to a
            ``Line``.
        labels: The class indices to count, or None for all.
        margin: Half the width of the band along a line that is neither side, in box heights.
        min_frames: For how many sightings running somebody must be beyond the band.
        max_gap_frames: After so many frames without a sighting an id is forgotten.
        **options: See ``NodeOptions``.

    Raises:
        GraphError: Half a line, two ways to say it, or a number out of range.
    """

    auto_device = "cpu"
    preload = ("numpy",)

    def __init__(  # noqa: PLR0913 - each is a knob of its own, with a default
        self,
        start: Sequence[float] | None = None,
        end: Sequence[float] | None = None,
        *,
        lines: Mapping[str, Line | Numbers] | None = None,
        labels: Collection[int] | None = None,
        margin: float = 0.05,
        min_frames: int = 2,
        max_gap_frames: int = 300,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        if (start is None) != (end is None) or (start is not None and lines is not None):
            raise GraphError(
                f"{self.name!r}: got start={start}, end={end}, lines={lines}, "
                "want both start and end, or lines, or none of them",
                help="none of them means a line across the middle of the picture",
            )
        if start is not None and end is not None:
            lines = {"line": (start, end)}
        self.lines = None if lines is None else {k: self._line(k, v) for k, v in lines.items()}
        self.labels = labels
        self.margin = margin
        self.min_frames = min_frames
        self.max_gap_frames = max_gap_frames
        try:
            self._crossings(Line((0, 0), (1, 0)))
        except ShapeError as error:
            raise GraphError(f"{self.name!r}: {error.message}", help=error.help) from error

    def check(self) -> None:
        """Refuse a line outside the picture of a stream whose size is known before.

        Raises:
            ConfigError: So it is.
        """
        if self.lines is not None:
            for stream, size_hw in known_sizes(self):
                self._check_lines(self.lines, stream, size_hw)

    def make_state(self, stream: str) -> LineCounting:
        """Return a count that has not begun; its lines are settled at the first frame."""
        return LineCounting()

    def process(self, state: LineCounting, *inputs: Any) -> Counts | None:
        """Return the crossings of one frame and the totals so far.

        Args:
            state: Of the stream.
            *inputs: The tracks, or None.

        Raises:
            ConfigError: A line lies outside the stream's picture, or the picture has changed
                its size: the lines are in pixels of the first one.
        """
        tracks = wanted_tracks(self.name, inputs)
        if tracks is None:
            return None
        if state.crossings is None:
            state.crossings = self._begin(tracks)
            state.size_hw = tracks.stamp.size_hw
        elif self.lines is not None:
            refuse_other_size(self.name, tracks.stamp, state.size_hw, places="lines")
        elif state.size_hw != tracks.stamp.size_hw:
            state.size_hw = tracks.stamp.size_hw
            state.crossings.move({"line": _across(state.size_hw)})
        return state.crossings.update(tracks)

    def _line(self, name: str, numbers: Any) -> Line:
        try:
            return Line.of(numbers)
        except ShapeError as error:
            raise GraphError(
                f"{self.name!r}, line {name!r}: {error.message}", help=error.help
            ) from error

    def _begin(self, tracks: Tracks) -> LineCrossings:
        height, width = tracks.stamp.size_hw
        crossings = self._crossings(_across((height, width)))
        self._check_lines(crossings.lines, tracks.stamp.stream, (height, width))
        return crossings

    def _check_lines(
        self, lines: Mapping[str, Line], stream: str, size_hw: tuple[int, int]
    ) -> None:
        for name, line in lines.items():
            if not line_touches_picture(line, size_hw):
                raise ConfigError(
                    f"{self.name!r}, stream {stream!r}: line {name!r} from {line.start} to "
                    f"{line.end} lies outside the {size_hw[1]} x {size_hw[0]} picture",
                    help="give its ends in pixels of the source picture",
                )

    def _crossings(self, across: Line) -> LineCrossings:
        return LineCrossings(
            {"line": across} if self.lines is None else self.lines,
            margin=self.margin,
            min_frames=self.min_frames,
            max_gap_frames=self.max_gap_frames,
            labels=self.labels,
        )


class LineCounting:
    """The count of one stream, or None before its first frame."""

    crossings: LineCrossings | None = None
    size_hw: tuple[int, int]  # from the first frame on


def _across(size_hw: tuple[int, int]) -> Line:
    """Return the line from left to right at half the height of a picture."""
    height, width = size_hw
    return Line((0.0, height / 2), (float(width), height / 2))
