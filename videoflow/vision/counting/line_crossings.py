"""Who crossed which line: the meaning is written, sentence by sentence, in docs/counting.md.

Knows foot points, sides and directions; not where tracks come from.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

import numpy as np

from videoflow.data.counts import Counts, Crossing, Direction, LineTotals
from videoflow.data.detections import Tracks
from videoflow.data.frame import Stamp
from videoflow.data.geometry import Line
from videoflow.errors import ShapeError
from videoflow.vision.boxes import F64
from videoflow.vision.counting.clock import Clock
from videoflow.vision.counting.hysteresis import Bools, looks, settle
from videoflow.vision.counting.roster import Records, Roster, blank_record
from videoflow.vision.counting.sightings import Sightings, label_array

__all__ = ["LineCrossings"]


class LineCrossings:
    """Count the crossings of one stream.

    Args:
        lines: Name to line; at least one.
        margin: Half the width of the band along a line that is neither side, in box heights.
        min_frames: For how many sightings running somebody must be beyond the band.
        max_gap_frames: After so many frames of the source without a sighting an id is
            forgotten.
        labels: The class indices to count, or None for all.

    Raises:
        ShapeError: No line, or a number out of range.
    """

    def __init__(
        self,
        lines: Mapping[str, Line],
        *,
        margin: float = 0.05,
        min_frames: int = 2,
        max_gap_frames: int = 300,
        labels: Collection[int] | None = None,
    ) -> None:
        if not lines or not margin >= 0 or min_frames < 1 or max_gap_frames < 1:
            raise ShapeError(
                f"LineCrossings: got {len(lines)} lines, margin={margin}, "
                f"min_frames={min_frames}, max_gap_frames={max_gap_frames}, want at least "
                "one line, a margin >= 0, and at least one frame"
            )
        self._draw(lines)
        self._margin = margin
        self._min_frames = min_frames
        self._max_gap_frames = max_gap_frames
        self._labels = label_array(labels)
        self.reset()

    def reset(self) -> None:
        """Forget everybody, and count from 0 again."""
        self._forget_all()
        self._clock = Clock()
        self._totals = dict.fromkeys(self.lines, LineTotals())
        self._label_totals: dict[str, dict[int, LineTotals]] = {name: {} for name in self.lines}

    def move(self, lines: Mapping[str, Line]) -> None:
        """Count on at other places; on which side anybody was is forgotten.

        Args:
            lines: Of the same names.
        """
        self._draw(lines)
        self._forget_all()

    def _draw(self, lines: Mapping[str, Line]) -> None:
        self.lines = dict(lines)
        self._starts = np.array([line.start for line in lines.values()], np.float64)  # [L, 2]
        self._ways = np.array([line.end for line in lines.values()], np.float64) - self._starts
        self._lengths = np.hypot(self._ways[:, 0], self._ways[:, 1])
        self._units = self._ways / self._lengths[:, None]

    def _forget_all(self) -> None:
        each = (len(self.lines),)
        self._roster = Roster(
            blank_record(
                feet=(np.nan, np.float64, (2,)),
                distance=(np.nan, np.float64, each),
                look=(0, np.int8, each),  # where last seen: -1 left, 0 band, 1 right
                run=(0, np.int64, each),  # for how many sightings running
                side=(0, np.int8, each),  # where it is settled
                # whether its way last met the endless line between the line's ends
                is_within=(False, np.bool_, each),
            ),
            max_gap_frames=self._max_gap_frames,
        )

    def update(self, tracks: Tracks) -> Counts:
        """Take the tracks of the next frame.

        Args:
            tracks: Of a later frame than the last ones; ``stamp.index`` may jump.

        Returns:
            The crossings of this frame, by rising id and then in the order of the lines, and
            the totals so far.
        """
        self._clock.tick(tracks.stamp)
        self._roster.forget(self._clock.frame)
        seen = Sightings.of(tracks, self._labels)
        names = list(self.lines)
        crossings = tuple(
            self._count(
                tracks.stamp,
                names[line],
                track_id=int(seen.ids[row]),
                label=int(seen.labels[row]),
                is_into=is_into,
            )
            for row, line, is_into in self._crossed(seen)
        )
        by_label = {name: dict(totals) for name, totals in self._label_totals.items()}
        return Counts(tracks.stamp, crossings, dict(self._totals), by_label, dict(self.lines))

    def _crossed(self, seen: Sightings) -> list[tuple[int, int, bool]]:
        """Take a look at who is seen; return (row, line, whether into) of each crossing."""
        if not len(seen):
            return []
        places = self._roster.meet(seen.ids, self._clock.frame)
        rows = self._roster.rows[places]
        distances = self._distances(seen.feet)
        is_met, is_within = self._meetings(rows, seen.feet, distances)
        rows["is_within"] = np.where(is_met, is_within, rows["is_within"])
        rows["feet"], rows["distance"] = seen.feet, distances
        look = looks(distances, seen.heights, margin=self._margin)
        was = rows["side"].copy()
        is_settled = settle(rows, look, min_frames=self._min_frames)
        is_crossing = is_settled & (was == -look) & rows["is_within"]
        self._roster.rows[places] = rows
        return [
            (int(row), int(line), bool(look[row, line] > 0))
            for row, line in np.argwhere(is_crossing)
        ]

    def _distances(self, feet: F64) -> F64:
        """Return px from each line, ``[M, L]``, positive on the right of it."""
        x, y = (feet[:, None] - self._starts).transpose(2, 0, 1)  # [M, L]
        return np.asarray(self._units[:, 0] * y - self._units[:, 1] * x)

    def _meetings(self, before: Records, feet: F64, distances: F64) -> tuple[Bools, Bools]:
        """Say whose way met the endless line since the last sighting, and if between its ends.

        Source: the way is cut in the ratio of the two distances; O'Rourke, *Computational
        Geometry in C*, 2nd ed., section 1.5.
        """
        was = before["distance"]
        is_met = (was <= 0) != (distances <= 0)
        is_met &= np.isfinite(was)  # NaN, never seen: no way yet
        is_within = np.zeros_like(is_met)
        row, line = np.nonzero(is_met)
        share = was[row, line] / (was[row, line] - distances[row, line])
        origin = before["feet"][row]
        place = origin + share[:, None] * (feet[row] - origin)
        along = ((place - self._starts[line]) * self._units[line]).sum(axis=1)
        is_within[row, line] = (along >= 0) & (along <= self._lengths[line])
        return is_met, is_within

    def _count(
        self, stamp: Stamp, line: str, *, track_id: int, label: int, is_into: bool
    ) -> Crossing:
        of_label = self._label_totals[line]
        of_label[label] = _one_more(of_label.get(label, LineTotals()), is_into=is_into)
        self._totals[line] = _one_more(self._totals[line], is_into=is_into)
        direction: Direction = "in" if is_into else "out"
        return Crossing(stamp, line, track_id, label, direction, self._totals[line])


def _one_more(totals: LineTotals, *, is_into: bool) -> LineTotals:
    if is_into:
        return replace(totals, into=totals.into + 1)
    return replace(totals, out_of=totals.out_of + 1)
