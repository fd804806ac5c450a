"""Who crossed which line: the meaning is written, sentence by sentence, in docs/counting.md.

Knows foot points, sides and directions; not where tracks come from.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from videoflow.data.counts import Counts, Crossing, Direction, LineTotals
from videoflow.data.detections import Tracks
from videoflow.data.frame import Stamp
from videoflow.data.geometry import Line
from videoflow.errors import ShapeError
from videoflow.vision.boxes import F64, foot_points

__all__ = ["LineCrossings", "touches_picture"]

I8 = NDArray[np.int8]


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
        self.lines = dict(lines)
        self._margin = margin
        self._min_frames = min_frames
        self._max_gap_frames = max_gap_frames
        self._labels = None if labels is None else np.array(sorted(labels), np.int64)
        self._starts = np.array([line.start for line in lines.values()], np.float64)  # [L, 2]
        self._ends = np.array([line.end for line in lines.values()], np.float64)
        self.reset()

    def reset(self) -> None:
        """Forget everybody, and count from 0 again."""
        self._walkers = _Walkers.unknown(np.zeros(0, np.int64), len(self.lines))
        self._totals = dict.fromkeys(self.lines, LineTotals())
        self._label_totals: dict[str, dict[int, LineTotals]] = {name: {} for name in self.lines}

    def update(self, tracks: Tracks) -> Counts:
        """Take the tracks of the next frame.

        Args:
            tracks: Of a later frame than the last ones; ``stamp.index`` may jump.

        Returns:
            The crossings of this frame, by rising id and then in the order of the lines, and
            the totals so far.
        """
        rows = self._countable(tracks)
        feet = foot_points(tracks.boxes_xyxy[rows])
        heights = (tracks.boxes_xyxy[rows, 3] - tracks.boxes_xyxy[rows, 1]).astype(np.float64)
        oldest_index = tracks.stamp.index - self._max_gap_frames
        known = self._walkers.seen_since(oldest_index)
        before = known.of(tracks.ids[rows])
        after, crossed = self._step(before, feet, heights)
        after.last_index[:] = tracks.stamp.index
        self._walkers = known.updated(after)
        names = list(self.lines)
        crossings = tuple(
            self._count(
                tracks.stamp,
                names[line],
                track_id=int(tracks.ids[rows[row]]),
                label=int(tracks.labels[rows[row]]),
                is_into=bool(crossed[row, line] > 0),
            )
            for row, line in np.argwhere(crossed)
        )
        by_label = {name: dict(totals) for name, totals in self._label_totals.items()}
        return Counts(tracks.stamp, crossings, dict(self._totals), by_label, dict(self.lines))

    def _countable(self, tracks: Tracks) -> NDArray[np.intp]:
        """Return the rows that may count, one for each id, by rising id."""
        is_good = np.isfinite(tracks.boxes_xyxy).all(axis=1) & (tracks.ids >= 1)
        if self._labels is not None:
            is_good &= np.isin(tracks.labels, self._labels)
        good = np.flatnonzero(is_good)
        return good[np.unique(tracks.ids[good], return_index=True)[1]]

    def _step(self, before: _Walkers, feet: F64, heights: F64) -> tuple[_Walkers, I8]:
        """Return what is known now, and int8 ``[M, L]``: 1 crossed in, -1 crossed out."""
        distances = self._distances(feet)
        band = (self._margin * np.abs(heights))[:, None]
        zone = np.where(np.abs(distances) <= band, 0, np.sign(distances)).astype(np.int8)
        run = np.where(zone == before.zone, before.run + 1, 1)
        is_met, is_within = self._meetings(before, feet, distances)
        is_within = np.where(is_met, is_within, before.is_within)
        is_settled = (zone != 0) & (run >= self._min_frames)
        side = np.where(is_settled, zone, before.side)
        is_crossing = is_settled & (before.side == -zone) & is_within
        after = _Walkers(
            before.ids, before.last_index, feet, distances, zone, run, side, is_within
        )
        return after, np.where(is_crossing, zone, 0).astype(np.int8)

    def _distances(self, feet: F64) -> F64:
        """Return px from each line, ``[M, L]``, positive on the right of it."""
        way = self._ends - self._starts
        way /= np.hypot(way[:, 0], way[:, 1])[:, None]
        offset = feet[:, None] - self._starts  # [M, L, 2]
        return np.asarray(way[:, 0] * offset[..., 1] - way[:, 1] * offset[..., 0])

    def _meetings(
        self, before: _Walkers, feet: F64, distances: F64
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Say whose way met the endless line since the last sighting, and if between its ends.

        Source: the way is cut in the ratio of the two distances; O'Rourke, *Computational
        Geometry in C*, 2nd ed., section 1.5.
        """
        is_met = (before.distances <= 0) != (distances <= 0)  # NaN, never seen: no way yet
        is_met &= np.isfinite(before.distances)
        span = np.where(is_met, before.distances - distances, 1.0)
        share = np.where(is_met, before.distances, 0.0) / span
        origin = np.where(np.isfinite(before.feet), before.feet, feet)
        place = origin[:, None] + share[..., None] * (feet - origin)[:, None]  # [M, L, 2]
        way = self._ends - self._starts
        along = ((place - self._starts) * way).sum(axis=2) / np.square(way).sum(axis=1)
        return is_met, (along >= 0) & (along <= 1)

    def _count(
        self, stamp: Stamp, line: str, *, track_id: int, label: int, is_into: bool
    ) -> Crossing:
        of_label = self._label_totals[line]
        of_label[label] = _one_more(of_label.get(label, LineTotals()), is_into=is_into)
        self._totals[line] = _one_more(self._totals[line], is_into=is_into)
        direction: Direction = "in" if is_into else "out"
        return Crossing(stamp, line, track_id, label, direction, self._totals[line])


def touches_picture(line: Line, size_hw: tuple[int, int]) -> bool:
    """Say whether any part of ``line`` lies in a picture of ``size_hw``, its rim included.

    Source: Liang and Barsky, *A new concept and method for line clipping*, 1984.
    """
    first, last = 0.0, 1.0
    for start, end, size in zip(line.start, line.end, size_hw[::-1], strict=True):
        way = end - start
        if way == 0:
            if not 0 <= start <= size:
                return False
            continue
        enter, leave = sorted(((0 - start) / way, (size - start) / way))
        first, last = max(first, enter), min(last, leave)
    return first <= last


@dataclass(slots=True)
class _Walkers:
    """What is known of T people and L lines; ids rise.

    ``zone`` is where somebody was last seen (-1 left, 0 band, 1 right), ``run`` for how many
    sightings running, ``side`` where it is settled, ``is_within`` whether its way last met the
    endless line between the line's ends.
    """

    ids: NDArray[np.int64]  # [T]
    last_index: NDArray[np.int64]  # [T]
    feet: F64  # [T, 2]
    distances: F64  # [T, L]
    zone: I8  # [T, L]
    run: NDArray[Any]  # [T, L]
    side: I8  # [T, L]
    is_within: NDArray[np.bool_]  # [T, L]

    @classmethod
    def unknown(cls, ids: NDArray[np.int64], num_lines: int) -> _Walkers:
        shape = (len(ids), num_lines)
        return cls(
            ids,
            np.zeros(len(ids), np.int64),
            np.full((len(ids), 2), np.nan),
            np.full(shape, np.nan),
            np.zeros(shape, np.int8),
            np.zeros(shape, np.int64),
            np.zeros(shape, np.int8),
            np.zeros(shape, np.bool_),
        )

    def of(self, ids: NDArray[np.int64]) -> _Walkers:
        """Return one row for each of ``ids``, in their order, blank for who is new."""
        fresh = _Walkers.unknown(ids, self.zone.shape[1])
        _, here, there = np.intersect1d(ids, self.ids, assume_unique=True, return_indices=True)
        for old, new in zip(self._columns(), fresh._columns(), strict=True):
            new[here] = old[there]
        return fresh

    def seen_since(self, index: int) -> _Walkers:
        """Return who was seen at the frame ``index`` or later."""
        keep = self.last_index >= index
        return self if keep.all() else _Walkers(*(column[keep] for column in self._columns()))

    def updated(self, newer: _Walkers) -> _Walkers:
        """Return these people, with the rows of ``newer`` put in or in place of older ones."""
        keep = ~np.isin(self.ids, newer.ids)
        pairs = zip(self._columns(), newer._columns(), strict=True)
        both = _Walkers(*(np.concatenate([old[keep], new]) for old, new in pairs))
        order = np.argsort(both.ids)
        return _Walkers(*(column[order] for column in both._columns()))

    def _columns(self) -> tuple[NDArray[Any], ...]:
        return tuple(getattr(self, name) for name in self.__slots__)


def _one_more(totals: LineTotals, *, is_into: bool) -> LineTotals:
    if is_into:
        return replace(totals, into=totals.into + 1)
    return replace(totals, out_of=totals.out_of + 1)
