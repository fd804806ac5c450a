"""Draw who was found, followed and counted into the picture."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from videoflow.processors.scene_annotator import SceneAnnotator
from videoflow.vision.style import Style

__all__ = ["PeopleAnnotator"]


class PeopleAnnotator(SceneAnnotator):
    """Draw boxes with ids, counting lines and totals into a copy of each frame.

    ``PeopleAnnotator()(frames, tracks, counts)``: a ``SceneAnnotator`` that says of the style
    only what is mostly wanted where all objects are people.

    Args:
        trail_seconds: For how long the way that a track came is shown; 0 for no trail.
        style: What else it looks like.
        **options: See ``SceneAnnotator`` and ``NodeOptions``.

    Raises:
        GraphError: A negative ``trail_seconds``.
    """

    def __init__(
        self, *, trail_seconds: float = 0.0, style: Style | None = None, **options: Any
    ) -> None:
        style = style or Style()
        if trail_seconds:
            style = replace(style, trail_seconds=trail_seconds)
        super().__init__(style=style, **options)
