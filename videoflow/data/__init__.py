"""What travels through a flow."""

from videoflow.data.color_spec import ColorSpec, Matrix
from videoflow.data.counts import Counts, Crossing, Direction, LineTotals
from videoflow.data.detections import Detections, Tracks
from videoflow.data.frame import Frame, Layout, Stamp
from videoflow.data.geometry import Line, Numbers, Point, Polygon, points_of
from videoflow.data.heat_map import HeatMap
from videoflow.data.homography import Homography
from videoflow.data.lease import OWNED, Lease
from videoflow.data.masks import Masks
from videoflow.data.segmentation import Segmentation
from videoflow.data.speeds import Speeds
from videoflow.data.zones import Visit, ZoneCounts, ZoneEvent, ZoneEventKind, ZoneTotals

__all__ = [
    "OWNED",
    "ColorSpec",
    "Counts",
    "Crossing",
    "Detections",
    "Direction",
    "Frame",
    "HeatMap",
    "Homography",
    "Layout",
    "Lease",
    "Line",
    "LineTotals",
    "Masks",
    "Matrix",
    "Numbers",
    "Point",
    "Polygon",
    "Segmentation",
    "Speeds",
    "Stamp",
    "Tracks",
    "Visit",
    "ZoneCounts",
    "ZoneEvent",
    "ZoneEventKind",
    "ZoneTotals",
    "points_of",
]
