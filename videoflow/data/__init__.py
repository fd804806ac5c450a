"""What travels through a flow."""

from typing import TYPE_CHECKING

from videoflow.exports import lazy_exports

if TYPE_CHECKING:
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
else:  # an engine that moves ints needs a lease, and no boxes
    __getattr__ = lazy_exports(
        __name__,
        {
            "ColorSpec": "color_spec",
            "Counts": "counts",
            "Crossing": "counts",
            "Detections": "detections",
            "Direction": "counts",
            "Frame": "frame",
            "HeatMap": "heat_map",
            "Homography": "homography",
            "Layout": "frame",
            "Lease": "lease",
            "Line": "geometry",
            "LineTotals": "counts",
            "Masks": "masks",
            "Matrix": "color_spec",
            "Numbers": "geometry",
            "OWNED": "lease",
            "Point": "geometry",
            "Polygon": "geometry",
            "Segmentation": "segmentation",
            "Speeds": "speeds",
            "Stamp": "frame",
            "Tracks": "detections",
            "Visit": "zones",
            "ZoneCounts": "zones",
            "ZoneEvent": "zones",
            "ZoneEventKind": "zones",
            "ZoneTotals": "zones",
            "points_of": "geometry",
        },
    )

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
