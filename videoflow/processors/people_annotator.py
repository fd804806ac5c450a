"""Draw who was found, followed and counted into the picture."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

import numpy as np

from videoflow.core.node import PerStreamProcessorNode
from videoflow.data.counts import Counts
from videoflow.data.detections import Detections, Tracks
from videoflow.errors import GraphError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from videoflow.data import Frame
    from videoflow.vision.canvas import Canvas
    from videoflow.vision.drawing import Pen

__all__ = ["Annotations", "PeopleAnnotator"]

_FLASH_SECONDS = 0.4


class PeopleAnnotator(PerStreamProcessorNode["Annotations"]):
    """Draw boxes with ids, counting lines and totals into a copy of each frame.

    ``PeopleAnnotator()(frames, tracks, counts)``: everything to draw comes with the inputs.
    The second may be detections as well, which are labelled with their scores; the third may
    be left out. Where an input is ``None`` (nobody looked at this frame) the last one is drawn
    again. The picture keeps its layout and its device. A line is bright for 0.4 s after a
    crossing.

    Args:
        trail_seconds: For how long the way that a track came is shown; 0 for no trail.
        **options: See ``NodeOptions``.

    Raises:
        GraphError: A negative ``trail_seconds``.
    """

    preload = ("torch", "numpy", "PIL.ImageDraw", "PIL.ImageFont")

    def __init__(self, *, trail_seconds: float = 0.0, **options: Any) -> None:
        super().__init__(**options)
        if not trail_seconds >= 0:
            raise GraphError(f"{self.name!r}: got trail_seconds={trail_seconds!r}, want >= 0")
        self.trail_seconds = trail_seconds

    def make_state(self, stream: str) -> Annotations:
        """Return a state that has drawn nothing."""
        return Annotations(self.trail_seconds)

    def process(self, state: Annotations, *inputs: Any) -> Frame:
        """Return the frame with what is known drawn into it.

        Args:
            state: Of the stream.
            *inputs: The frame; tracks, detections or None; optionally counts or None.
        """
        frame: Frame = inputs[0]
        state.take(frame, *inputs[1:])
        source = frame.pixels
        target = self.slot_tensor(tuple(source.shape)).copy_(source)
        if target.device.type == "cpu":
            state.draw(state.pen(frame).canvas(target.numpy()), frame)
        else:
            overlay = state.overlay(frame)
            state.draw(overlay, frame)
            overlay.lift_onto(target, frame.layout)
        return type(frame)(target, frame.stamp, frame.layout, frame.color)


class Annotations:
    """What is drawn into one stream: its last tracks and counts, and the ways people came."""

    def __init__(self, trail_seconds: float) -> None:
        self._trail_seconds = trail_seconds
        self._people: Tracks | Detections | None = None
        self._counts: Counts | None = None
        self._crossed_at: dict[str, float] = {}  # line -> pts_seconds
        self._trails: dict[int, deque[tuple[float, float, float]]] = {}
        self._pen: Pen | None = None
        self._overlay: Canvas | None = None

    def take(
        self,
        frame: Frame,
        people: Tracks | Detections | None = None,
        counts: Counts | None = None,
    ) -> None:
        """Hear what is known of ``frame``; None leaves the last word standing."""
        if counts is not None:
            self._counts = counts
            for crossing in counts.crossings:
                self._crossed_at[crossing.line] = frame.pts_seconds
        if people is None:
            return
        self._people = people
        if isinstance(people, Tracks) and self._trail_seconds:
            self._extend_trails(people, frame.pts_seconds)

    def pen(self, frame: Frame) -> Pen:
        """Return the pen for pictures like ``frame``; another one when they change."""
        from videoflow.vision.drawing import Pen  # Pillow: only where something is drawn

        pen = self._pen
        if pen is None or (pen.size_hw, pen.layout, pen.color) != (
            frame.size_hw,
            frame.layout,
            frame.color,
        ):
            pen = self._pen = Pen(frame.size_hw, frame.layout, frame.color)
            self._overlay = None
        return pen

    def overlay(self, frame: Frame) -> Canvas:
        """Return the transparent canvas for pictures like ``frame``."""
        pen = self.pen(frame)
        if self._overlay is None:
            self._overlay = pen.overlay()
        return self._overlay

    def draw(self, canvas: Canvas, frame: Frame) -> None:
        """Draw lines, then trails and boxes, then what must stay readable: the texts."""
        pen = self.pen(frame)
        if self._counts is not None:
            self._draw_lines(pen, canvas, frame.pts_seconds)
        if self._people is not None:
            self._draw_people(pen, canvas, self._people)
        if self._counts is not None:
            self._write_totals(pen, canvas, self._counts)

    def _draw_lines(self, pen: Pen, canvas: Canvas, now_seconds: float) -> None:
        from videoflow.vision.palette import LINE

        assert self._counts is not None
        for name, line in self._counts.lines.items():
            since = now_seconds - self._crossed_at.get(name, -np.inf)
            pen.line(canvas, line, LINE, is_bright=0 <= since < _FLASH_SECONDS)

    def _draw_people(self, pen: Pen, canvas: Canvas, people: Tracks | Detections) -> None:
        from videoflow.vision.palette import track_rgb

        rows = np.flatnonzero(np.isfinite(people.boxes_xyxy).all(axis=1))
        if isinstance(people, Tracks):
            keys = [int(people.ids[row]) for row in rows]
            texts = [str(key) for key in keys]
        else:
            keys = [int(people.labels[row]) for row in rows]
            texts = [f"{people.scores[row]:.2f}" for row in rows]
        boxes = people.boxes_xyxy[rows]
        for key, box in zip(keys, boxes, strict=True):
            trail = self._trail(key) if isinstance(people, Tracks) else None
            if trail is not None:
                pen.trail(canvas, trail, track_rgb(key))
            pen.box(canvas, box, track_rgb(key))
        for key, text, box in zip(keys, texts, boxes, strict=True):
            pen.box_label(canvas, text, box, track_rgb(key))

    def _write_totals(self, pen: Pen, canvas: Canvas, counts: Counts) -> None:
        from videoflow.vision.palette import LINE

        for name, line in counts.lines.items():
            totals = counts.totals[name]
            text = f"{name}   in {totals.into}   out {totals.out_of}"
            # A quarter of the way along, clear of the arrow in the middle.
            x = 0.75 * line.start[0] + 0.25 * line.end[0]
            y = 0.75 * line.start[1] + 0.25 * line.end[1]
            pen.label(canvas, text, (x, y), LINE)

    def _extend_trails(self, tracks: Tracks, now_seconds: float) -> None:
        for track_id, box in zip(tracks.ids.tolist(), tracks.boxes_xyxy.tolist(), strict=True):
            if np.isfinite(box).all():
                trail = self._trails.setdefault(track_id, deque(maxlen=512))
                trail.append((now_seconds, (box[0] + box[2]) / 2, box[3]))
        oldest = now_seconds - self._trail_seconds
        for track_id, trail in list(self._trails.items()):
            while trail and not oldest <= trail[0][0] <= now_seconds:
                trail.popleft()
            if not trail:
                del self._trails[track_id]

    def _trail(self, track_id: int) -> NDArray[np.float64] | None:
        trail = self._trails.get(track_id, ())
        return np.array(trail)[:, 1:] if len(trail) > 1 else None
