"""Add up where people stand in each stream: ``vision.counting.StandingHeat`` as a node."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any

from videoflow.core.node import PerStreamProcessorNode
from videoflow.errors import GraphError, ShapeError
from videoflow.processors.wanted_tracks import wanted_tracks
from videoflow.vision.counting import StandingHeat

if TYPE_CHECKING:
    from videoflow.data import HeatMap

__all__ = ["HeatMapAggregator", "Heating"]


class HeatMapAggregator(PerStreamProcessorNode["Heating"]):
    """Add up for how long people stand in each cell of the picture.

    The map comes out at the first frame, then every ``every_seconds`` of the source, and at
    the end of the stream; for the frames between, and where a tracker passes ``None``, ``None``
    comes out. A picture of another size begins a new map.

    Args:
        cell_px: Side of a cell in pixels of the source picture.
        half_life_seconds: After so many seconds a second counts for half; None: it stays.
        every_seconds: How often the map comes out; 0 for every frame.
        max_step_seconds: The most that one frame can count for, after a gap.
        labels: The class indices to count, or None for all.
        **options: See ``NodeOptions``.

    Raises:
        GraphError: A number out of range.
    """

    auto_device = "cpu"
    preload = ("numpy",)

    def __init__(
        self,
        *,
        cell_px: int = 16,
        half_life_seconds: float | None = None,
        every_seconds: float = 1.0,
        max_step_seconds: float = 1.0,
        labels: Collection[int] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        if not every_seconds >= 0:
            raise GraphError(f"{self.name!r}: got every_seconds={every_seconds!r}, want >= 0")
        self.cell_px = cell_px
        self.half_life_seconds = half_life_seconds
        self.every_seconds = every_seconds
        self.max_step_seconds = max_step_seconds
        self.labels = labels
        try:
            self.make_state("")
        except ShapeError as error:
            raise GraphError(f"{self.name!r}: {error.message}", help=error.help) from error

    def make_state(self, stream: str) -> Heating:
        """Return an empty map."""
        return Heating(
            StandingHeat(
                cell_px=self.cell_px,
                half_life_seconds=self.half_life_seconds,
                max_step_seconds=self.max_step_seconds,
                labels=self.labels,
            )
        )

    def process(self, state: Heating, *inputs: Any) -> HeatMap | None:
        """Return the map if it is due, else None.

        Args:
            state: Of the stream.
            *inputs: The tracks, or None.
        """
        tracks = wanted_tracks(self.name, inputs)
        if tracks is None:
            return None
        state.heat.update(tracks)
        if state.heat.clock_seconds < state.due_seconds:
            return None
        state.due_seconds = state.heat.clock_seconds + self.every_seconds
        return state.heat.map()

    def flush(self, state: Heating) -> Iterator[HeatMap]:
        """Yield the map of the whole stream."""
        last = state.heat.map()
        if last is not None:
            yield last


class Heating:
    """The map of one stream, and when it is due again."""

    def __init__(self, heat: StandingHeat) -> None:
        self.heat = heat
        self.due_seconds = 0.0
