"""Trackers: detections of one stream in, the same people under the same ids out."""

from videoflow.vision.trackers.bytetrack import ByteTrack

__all__ = ["ByteTrack"]
