"""Does a line or a polygon lie in the picture at all?"""

from __future__ import annotations

import numpy as np

from videoflow.data.geometry import Line, Polygon
from videoflow.vision.counting.rim import signed_distances

__all__ = ["line_touches_picture", "polygon_touches_picture"]


def line_touches_picture(line: Line, size_hw: tuple[int, int]) -> bool:
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


def polygon_touches_picture(polygon: Polygon, size_hw: tuple[int, int]) -> bool:
    """Say whether any part of ``polygon`` lies in a picture of ``size_hw``."""
    if any(line_touches_picture(Line(a, b), size_hw) for a, b in polygon.edges):
        return True
    # No edge does, so the picture lies wholly inside or wholly outside.
    return bool(signed_distances(np.zeros((1, 2)), [polygon])[0, 0] > 0)
