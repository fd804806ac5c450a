"""Follow who is in a zone in each stream: ``vision.counting.ZoneVisits`` as a node."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from videoflow.core.node import PerStreamProcessorNode
from videoflow.data.geometry import Numbers, Polygon
from videoflow.errors import ConfigError, GraphError, ShapeError
from videoflow.processors.picture_sizes import known_sizes, refuse_other_size
from videoflow.processors.wanted_tracks import wanted_tracks
from videoflow.vision.counting import ZoneVisits, polygon_touches_picture

if TYPE_CHECKING:
    from videoflow.data import Tracks, ZoneCounts

__all__ = ["ZoneCounter", "ZoneCounting"]


class ZoneCounter(PerStreamProcessorNode["ZoneCounting"]):
    """Tell who comes into a zone, who leaves it and who is there for how long.

    What counts is in ``docs/counting.md``. Without a zone, each stream gets one that is called
    ``picture``, in which everybody is who is seen.

    Where a tracker passes ``None``, ``None`` comes out. At the end of a stream one more
    ``ZoneCounts`` comes out, with the visits that are still open.

    Args:
        corners: (x, y, x, y, ...) or a point for each corner, in pixels of the source picture:
            one zone, which is called ``zone``.
        zones: Instead of ``corners``: name to corners, or to a ``Polygon``.
        labels: The class indices to follow, or None for all.
        margin: Half the width of the band along a rim that is neither inside nor outside, in
            box heights.
        min_frames: For how many sightings running somebody must be beyond the band.
        max_gap_frames: After so many frames without a sighting an id is forgotten, and its
            visits are over.
        **options: See ``NodeOptions``.

    Raises:
        GraphError: No polygon, two ways to say it, or a number out of range.
    """

    auto_device = "cpu"
    preload = ("numpy",)

    def __init__(  # noqa: PLR0913 - each is a knob of its own, with a default
        self,
        corners: Numbers | None = None,
        *,
        zones: Mapping[str, Polygon | Numbers] | None = None,
        labels: Collection[int] | None = None,
        margin: float = 0.05,
        min_frames: int = 2,
        max_gap_frames: int = 30,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        if corners is not None and zones is not None:
            raise GraphError(
                f"{self.name!r}: got corners={corners} and zones={zones}, want one of them",
                help="corners for one zone, zones for several with names",
            )
        if corners is not None:
            zones = {"zone": corners}
        self.zones = None if zones is None else {k: self._zone(k, v) for k, v in zones.items()}
        self.labels = labels
        self.margin = margin
        self.min_frames = min_frames
        self.max_gap_frames = max_gap_frames
        try:
            self._visits((1, 1))
        except ShapeError as error:
            raise GraphError(f"{self.name!r}: {error.message}", help=error.help) from error

    def check(self) -> None:
        """Refuse a zone outside the picture of a stream whose size is known before.

        Raises:
            ConfigError: So it is.
        """
        if self.zones is not None:
            for stream, size_hw in known_sizes(self):
                self._check_zones(self.zones, stream, size_hw)

    def make_state(self, stream: str) -> ZoneCounting:
        """Return a state without visits; its zones are settled at the first frame."""
        return ZoneCounting()

    def process(self, state: ZoneCounting, *inputs: Any) -> ZoneCounts | None:
        """Return who came and went in one frame, who is there, and the totals so far.

        Args:
            state: Of the stream.
            *inputs: The tracks, or None.

        Raises:
            ConfigError: A zone lies outside the stream's picture, or the picture has changed
                its size: the zones are in pixels of the first one.
        """
        tracks = wanted_tracks(self.name, inputs)
        if tracks is None:
            return None
        if state.visits is None:
            state.visits = self._begin(tracks)
            state.size_hw = tracks.stamp.size_hw
        elif self.zones is not None:
            refuse_other_size(self.name, tracks.stamp, state.size_hw, places="zones")
        return state.visits.update(tracks)

    def flush(self, state: ZoneCounting) -> Iterator[ZoneCounts]:
        """Yield the visits that have not ended when the stream has."""
        counts = None if state.visits is None else state.visits.finish()
        if counts is not None:
            yield counts

    def _zone(self, name: str, numbers: Any) -> Polygon:
        try:
            return Polygon.of(numbers)
        except ShapeError as error:
            raise GraphError(
                f"{self.name!r}, zone {name!r}: {error.message}", help=error.help
            ) from error

    def _begin(self, tracks: Tracks) -> ZoneVisits:
        height, width = tracks.stamp.size_hw
        visits = self._visits((height, width))
        self._check_zones(visits.zones, tracks.stamp.stream, (height, width))
        return visits

    def _check_zones(
        self, zones: Mapping[str, Polygon], stream: str, size_hw: tuple[int, int]
    ) -> None:
        for name, zone in zones.items():
            if not polygon_touches_picture(zone, size_hw):
                raise ConfigError(
                    f"{self.name!r}, stream {stream!r}: zone {name!r} with the corners "
                    f"{zone.points} lies outside the {size_hw[1]} x {size_hw[0]} picture",
                    help="give its corners in pixels of the source picture",
                )

    def _visits(self, size_hw: tuple[int, int]) -> ZoneVisits:
        return ZoneVisits(
            {"picture": _far_around(size_hw)} if self.zones is None else self.zones,
            margin=self.margin,
            min_frames=self.min_frames,
            max_gap_frames=self.max_gap_frames,
            labels=self.labels,
        )


class ZoneCounting:
    """The visits of one stream, or None before its first frame."""

    visits: ZoneVisits | None = None
    size_hw: tuple[int, int]  # from the first frame on


def _far_around(size_hw: tuple[int, int]) -> Polygon:
    """Return a zone around the picture in which feet on the picture's rim are well inside."""
    height, width = size_hw
    left, top, right, bottom = -9.0 * width, -9.0 * height, 10.0 * width, 10.0 * height
    return Polygon(((left, top), (right, top), (right, bottom), (left, bottom)))
