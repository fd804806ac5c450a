"""Who crosses lines, stays in zones, stands where and walks how fast.

What counts is written, sentence by sentence, in docs/counting.md.
"""

from videoflow.vision.counting.floor_speeds import FloorSpeeds
from videoflow.vision.counting.in_picture import line_touches_picture, polygon_touches_picture
from videoflow.vision.counting.line_crossings import LineCrossings
from videoflow.vision.counting.standing_heat import StandingHeat
from videoflow.vision.counting.zone_visits import ZoneVisits

__all__ = [
    "FloorSpeeds",
    "LineCrossings",
    "StandingHeat",
    "ZoneVisits",
    "line_touches_picture",
    "polygon_touches_picture",
]
