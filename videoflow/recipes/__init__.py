"""Whole flows in one call, from a source to files with results.

Each recipe returns a ``Flow`` that has not begun: look at it (``flow.draw()``), change it
(``flow.replace("track", ...)``), run it.
"""

from typing import TYPE_CHECKING

from videoflow.exports import lazy_exports

if TYPE_CHECKING:
    from videoflow.recipes.people import count_people, detect_people, track_people
    from videoflow.recipes.privacy import blur_faces
    from videoflow.recipes.zones import measure_dwell
else:  # a recipe brings its nodes, and they torch
    __getattr__ = lazy_exports(
        __name__,
        {
            "blur_faces": "privacy",
            "count_people": "people",
            "detect_people": "people",
            "measure_dwell": "zones",
            "track_people": "people",
        },
    )

__all__ = ["blur_faces", "count_people", "detect_people", "measure_dwell", "track_people"]
