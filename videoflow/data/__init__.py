"""What travels through a flow."""

from videoflow.data.camera_motion import CameraMotion, compose_warps, read_warps
from videoflow.data.color_spec import ColorSpec, Matrix
from videoflow.data.counts import Counts, Crossing, Direction, LineTotals
from videoflow.data.detections import Detections, Tracks
from videoflow.data.frame import Frame, Layout, Stamp
from videoflow.data.geometry import Line
from videoflow.data.lease import OWNED, Lease
from videoflow.data.masks import Masks
from videoflow.data.mot import MotRows, mot_lines, read_mot
from videoflow.data.segmentation import Segmentation

__all__ = [
    "OWNED",
    "CameraMotion",
    "ColorSpec",
    "Counts",
    "Crossing",
    "Detections",
    "Direction",
    "Frame",
    "Layout",
    "Lease",
    "Line",
    "LineTotals",
    "Masks",
    "Matrix",
    "MotRows",
    "Segmentation",
    "Stamp",
    "Tracks",
    "compose_warps",
    "mot_lines",
    "read_mot",
    "read_warps",
]
