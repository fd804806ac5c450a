"""Nodes that read a source."""

from videoflow.producers.image_reader import ImageFolderReader, ImageProducer
from videoflow.producers.video_file_reader import VideoFileReader, VideofileReader
from videoflow.producers.video_folder_reader import VideoFolderReader

__all__ = [
    "ImageFolderReader",
    "ImageProducer",
    "VideoFileReader",
    "VideoFolderReader",
    "VideofileReader",
]
