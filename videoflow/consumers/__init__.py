"""Nodes that write, log and send."""

from videoflow.consumers.video_file_writer import VideoFileWriter, VideofileWriter

__all__ = ["VideoFileWriter", "VideofileWriter"]
