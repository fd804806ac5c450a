"""Nodes that read a source; each is one stream."""

from typing import TYPE_CHECKING

from videoflow.exports import lazy_exports
from videoflow.producers.int_producer import IntProducer

if TYPE_CHECKING:
    from videoflow.producers.image_reader import ImageFolderReader, ImageProducer
    from videoflow.producers.live_reader import LiveReader
    from videoflow.producers.mot_detections_reader import MotDetectionsReader
    from videoflow.producers.video_file_reader import VideoFileReader, VideofileReader
    from videoflow.producers.video_folder_reader import VideoFolderReader
    from videoflow.producers.video_reader import VideoReader
    from videoflow.producers.walkers_producer import WalkersProducer
else:  # what reads pictures is imported when its name is first used
    __getattr__ = lazy_exports(
        __name__,
        {
            "ImageFolderReader": "image_reader",
            "ImageProducer": "image_reader",
            "LiveReader": "live_reader",
            "MotDetectionsReader": "mot_detections_reader",
            "VideoFileReader": "video_file_reader",
            "VideoFolderReader": "video_folder_reader",
            "VideoReader": "video_reader",
            "VideofileReader": "video_file_reader",
            "WalkersProducer": "walkers_producer",
        },
    )

__all__ = [
    "ImageFolderReader",
    "ImageProducer",
    "IntProducer",
    "LiveReader",
    "MotDetectionsReader",
    "VideoFileReader",
    "VideoFolderReader",
    "VideoReader",
    "VideofileReader",
    "WalkersProducer",
]
