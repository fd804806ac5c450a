"""Draw who was found, followed and counted into the picture."""

from __future__ import annotations

from typing import Any

from videoflow.processors.scene_annotator import SceneAnnotator
from videoflow.vision.style import Style

__all__ = ["PeopleAnnotator"]


class PeopleAnnotator(SceneAnnotator):
    """Draw boxes with ids, counting lines and totals into a copy of each frame.

    ``PeopleAnnotator()(frames, tracks, counts)``: a ``SceneAnnotator`` with its usual style,
    for pictures in which all objects are people.

    Args:
        trail_seconds: For how long the way that a track came is shown; 0 for no trail.
        **options: See ``NodeOptions``.

    Raises:
        GraphError: A negative ``trail_seconds``.
    """

    def __init__(self, *, trail_seconds: float = 0.0, **options: Any) -> None:
        super().__init__(style=Style(trail_seconds=trail_seconds), **options)
