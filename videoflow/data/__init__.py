"""What travels through a flow."""

from typing import TYPE_CHECKING

from videoflow.exports import lazy_exports

if TYPE_CHECKING:
    from videoflow.data.camera_motion import CameraMotion, compose_warps, read_warps
    from videoflow.data.coco import CocoAnnotations, read_coco, to_coco
    from videoflow.data.color_spec import ColorSpec, Matrix
    from videoflow.data.counts import Counts, Crossing, Direction, LineTotals
    from videoflow.data.detections import Detections, Tracks
    from videoflow.data.frame import Frame, Layout, Stamp
    from videoflow.data.geometry import Line, Numbers, Point, Polygon, points_of
    from videoflow.data.heat_map import HeatMap
    from videoflow.data.homography import Homography
    from videoflow.data.lease import OWNED, Lease
    from videoflow.data.masks import Masks
    from videoflow.data.mot import MotRows, mot_lines, read_mot
    from videoflow.data.rows import RowForm, Rows, rows_of
    from videoflow.data.segmentation import Segmentation
    from videoflow.data.speeds import Speeds
    from videoflow.data.supervision import (
        detections_from_supervision,
        to_supervision,
        tracks_from_supervision,
    )
    from videoflow.data.tables import read_boxes, read_crossings, to_pandas
    from videoflow.data.zones import Visit, ZoneCounts, ZoneEvent, ZoneEventKind, ZoneTotals
else:  # an engine that moves ints needs a lease, and no boxes
    __getattr__ = lazy_exports(
        __name__,
        {
            "CameraMotion": "camera_motion",
            "CocoAnnotations": "coco",
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
            "MotRows": "mot",
            "Numbers": "geometry",
            "OWNED": "lease",
            "Point": "geometry",
            "Polygon": "geometry",
            "RowForm": "rows",
            "Rows": "rows",
            "Segmentation": "segmentation",
            "Speeds": "speeds",
            "Stamp": "frame",
            "Tracks": "detections",
            "Visit": "zones",
            "ZoneCounts": "zones",
            "ZoneEvent": "zones",
            "ZoneEventKind": "zones",
            "ZoneTotals": "zones",
            "compose_warps": "camera_motion",
            "detections_from_supervision": "supervision",
            "mot_lines": "mot",
            "points_of": "geometry",
            "read_boxes": "tables",
            "read_coco": "coco",
            "read_crossings": "tables",
            "read_mot": "mot",
            "read_warps": "camera_motion",
            "rows_of": "rows",
            "to_coco": "coco",
            "to_pandas": "tables",
            "to_supervision": "supervision",
            "tracks_from_supervision": "supervision",
        },
    )

__all__ = [
    "OWNED",
    "CameraMotion",
    "CocoAnnotations",
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
    "MotRows",
    "Numbers",
    "Point",
    "Polygon",
    "RowForm",
    "Rows",
    "Segmentation",
    "Speeds",
    "Stamp",
    "Tracks",
    "Visit",
    "ZoneCounts",
    "ZoneEvent",
    "ZoneEventKind",
    "ZoneTotals",
    "compose_warps",
    "detections_from_supervision",
    "mot_lines",
    "points_of",
    "read_boxes",
    "read_coco",
    "read_crossings",
    "read_mot",
    "read_warps",
    "rows_of",
    "to_coco",
    "to_pandas",
    "to_supervision",
    "tracks_from_supervision",
]
