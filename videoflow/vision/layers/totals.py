"""What was counted, in words: at the line or the zone, or as a table in a corner."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from videoflow.data.counts import Counts
from videoflow.data.geometry import Point, Polygon
from videoflow.data.zones import ZoneCounts, ZoneTotals
from videoflow.vision.layers.layer import Depth
from videoflow.vision.layers.wording import duration
from videoflow.vision.palette import LINE, zone_rgb
from videoflow.vision.scene import Scene

if TYPE_CHECKING:
    from videoflow.vision.canvas import Canvas
    from videoflow.vision.drawing import Pen
    from videoflow.vision.plates import PlateRow

__all__ = ["TableLayer", "TotalLayer"]

_GAP = "   "


class TotalLayer:
    """Writes the totals of lines and zones where those are."""

    name: ClassVar[str] = "totals"
    kinds: ClassVar[tuple[type, ...]] = (Counts, ZoneCounts)
    depth: ClassVar[Depth] = Depth.TEXT

    def draw(self, scene: Scene, pen: Pen, canvas: Canvas) -> None:
        """Write on each line, and on the upper rim of each zone."""
        for zone_counts in scene.of(ZoneCounts):
            for number, (name, zone) in enumerate(zone_counts.zones.items()):
                text = _GAP.join((name, *_zone_words(zone_counts.totals[name])))
                pen.label(canvas, text, _upper_rim(zone), zone_rgb(number), places=scene.places)
        for counts in scene.of(Counts):
            for name, line in counts.lines.items():
                totals = counts.totals[name]
                text = f"{name}   in {totals.into}   out {totals.out_of}"
                # A quarter of the way along, clear of the arrow in the middle.
                x = 0.75 * line.start[0] + 0.25 * line.end[0]
                y = 0.75 * line.start[1] + 0.25 * line.end[1]
                pen.label(canvas, text, (x, y), LINE, places=scene.places)


class TableLayer:
    """Writes all totals as a table into the upper left corner."""

    name: ClassVar[str] = "table"
    kinds: ClassVar[tuple[type, ...]] = (Counts, ZoneCounts)
    depth: ClassVar[Depth] = Depth.TEXT

    def draw(self, scene: Scene, pen: Pen, canvas: Canvas) -> None:
        """Write a row for each line and for each zone."""
        rows: list[PlateRow] = []
        for counts in scene.of(Counts):
            for name in counts.lines:
                totals = counts.totals[name]
                rows.append((LINE, (name, f"in {totals.into}", f"out {totals.out_of}")))
        for zone_counts in scene.of(ZoneCounts):
            for number, name in enumerate(zone_counts.zones):
                words = _zone_words(zone_counts.totals[name])
                rows.append((zone_rgb(number), (name, *words)))
        pen.table(canvas, rows, places=scene.places)


def _zone_words(totals: ZoneTotals) -> tuple[str, ...]:
    mean = duration(totals.mean_dwell_seconds)
    return (f"inside {totals.occupancy}", *([f"mean {mean}"] if mean else []))


def _upper_rim(zone: Polygon) -> Point:
    """Return the highest point of the rim above or below the mean of the corners."""
    x = sum(x for x, _ in zone.points) / len(zone.points)
    ys = [
        a[1] + (b[1] - a[1]) * (x - a[0]) / (b[0] - a[0])
        for a, b in zone.edges
        if min(a[0], b[0]) <= x < max(a[0], b[0])
    ]
    return x, min(ys)
