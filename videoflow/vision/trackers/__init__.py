"""Trackers: detections of one stream in, the same people under the same ids out."""

from videoflow.vision.trackers.botsort import BotSort
from videoflow.vision.trackers.bytetrack import ByteTrack
from videoflow.vision.trackers.motiontrack import MotionTrack
from videoflow.vision.trackers.ocsort import OcSort
from videoflow.vision.trackers.sort import Sort
from videoflow.vision.trackers.tracker import Tracker, update_many

__all__ = ["BotSort", "ByteTrack", "MotionTrack", "OcSort", "Sort", "Tracker", "update_many"]
