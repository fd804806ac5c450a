"""How fast people walk on the floor: the meaning is written in docs/counting.md."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from videoflow.data.detections import Tracks
from videoflow.data.homography import Homography
from videoflow.data.speeds import Speeds
from videoflow.errors import ShapeError
from videoflow.vision.boxes import F64
from videoflow.vision.counting.clock import Clock
from videoflow.vision.counting.roster import Records, Roster, blank_record
from videoflow.vision.counting.sightings import Sightings, label_array

__all__ = ["FloorSpeeds"]

_MAX_SIGHTINGS = 64  # of one person in a window; the memory for it is fixed
_MIN_SIGHTINGS = 3
_MIN_SHARE = 0.5  # of the window


class FloorSpeeds:
    """Estimate the velocities of the people of one stream.

    The velocity is the slope of the straight line of least squares through the places of the
    last ``window_seconds``. It is that of half a window ago: so much it lags behind. It is
    unknown, NaN, before three sightings that span at least half a window.

    Args:
        homography: From the picture to the floor.
        window_seconds: How far back a velocity looks.
        max_gap_frames: After so many frames of the source without a sighting an id is
            forgotten.
        labels: The class indices to follow, or None for all.

    Raises:
        ShapeError: A number out of range.

    Source: Savitzky and Golay, *Smoothing and differentiation of data by simplified least
    squares procedures*, 1964, for a polynomial of the first degree.
    """

    def __init__(
        self,
        homography: Homography,
        *,
        window_seconds: float = 1.0,
        max_gap_frames: int = 300,
        labels: Collection[int] | None = None,
    ) -> None:
        if not 0 < window_seconds < np.inf or max_gap_frames < 1:
            raise ShapeError(
                f"FloorSpeeds: got window_seconds={window_seconds}, "
                f"max_gap_frames={max_gap_frames}, want a window above 0 and at least one frame"
            )
        self.homography = homography
        self._window_seconds = window_seconds
        self._max_gap_frames = max_gap_frames
        self._labels = label_array(labels)
        self.reset()

    def reset(self) -> None:
        """Forget everybody."""
        self._roster = Roster(
            blank_record(
                next_slot=(0, np.int64, ()),
                newest=(-np.inf, np.float64, ()),  # seconds
                seconds=(np.nan, np.float64, (_MAX_SIGHTINGS,)),
                places=(0.0, np.float64, (_MAX_SIGHTINGS, 2)),  # metres
            ),
            max_gap_frames=self._max_gap_frames,
        )
        self._clock = Clock()

    def update(self, tracks: Tracks) -> Speeds:
        """Take the tracks of the next frame.

        Returns:
            A row for each row of ``tracks``; NaN for who does not count or is not known yet.
        """
        self._clock.tick(tracks.stamp)
        self._roster.forget(self._clock.frame)
        seen = Sightings.of(tracks, self._labels)
        feet, positions, velocities = np.full((3, len(tracks), 2), np.nan)
        if len(seen):
            feet[seen.rows] = seen.feet
            positions[seen.rows] = self.homography.to_floor(seen.feet)
            places = self._roster.meet(seen.ids, self._clock.frame)
            rows = self._roster.rows[places]
            self._remember(rows, positions[seen.rows])
            self._roster.rows[places] = rows
            velocities[seen.rows] = self._slopes(rows)
        return Speeds(
            tracks.stamp,
            tracks.ids,
            feet.astype(np.float32),
            positions.astype(np.float32),
            velocities.astype(np.float32),
            self.homography,
        )

    def _remember(self, rows: Records, positions: F64) -> None:
        """Write the places of this frame over the oldest ones.

        Of sightings that are too close in time for the memory, the first is kept.
        """
        spacing = self._window_seconds / (_MAX_SIGHTINGS - 1)
        now = self._clock.seconds
        is_due = np.isfinite(positions[:, 0]) & (now - rows["newest"] >= spacing)
        due = np.flatnonzero(is_due)
        slots = rows["next_slot"][due]
        rows["seconds"][due, slots] = now
        rows["places"][due, slots] = positions[due]
        rows["newest"][due] = now
        rows["next_slot"][due] = (slots + 1) % _MAX_SIGHTINGS

    def _slopes(self, rows: Records) -> F64:
        """Return metres per second, ``[M, 2]``; NaN where there is too little to go by."""
        ages = self._clock.seconds - rows["seconds"]  # [M, K], NaN where a slot is free
        is_in = ages <= self._window_seconds * (1 + 1e-9)  # a window's end is in it
        num = is_in.sum(axis=1)
        ages = np.where(is_in, ages, 0.0)
        spans = ages.max(axis=1) - np.where(is_in, ages, np.inf).min(axis=1)
        is_known = (num >= _MIN_SIGHTINGS) & (
            spans >= _MIN_SHARE * self._window_seconds * (1 - 1e-9)
        )
        offsets = np.where(is_in, ages - (ages.sum(axis=1) / np.maximum(num, 1))[:, None], 0.0)
        squares = np.where(is_known, np.square(offsets).sum(axis=1), np.nan)
        slopes: F64 = np.einsum("mk,mkd->md", -offsets, rows["places"]) / squares[:, None]
        return slopes
