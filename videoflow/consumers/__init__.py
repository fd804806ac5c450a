"""Nodes at the end of a branch: they write, print and send."""

from typing import TYPE_CHECKING

from videoflow.consumers.commandline_consumer import CommandlineConsumer
from videoflow.consumers.file_appender_consumer import FileAppenderConsumer
from videoflow.consumers.void_consumer import VoidConsumer
from videoflow.exports import lazy_exports

if TYPE_CHECKING:
    from videoflow.consumers.json_lines_writer import JsonLinesWriter
    from videoflow.consumers.mot_writer import MotWriter
    from videoflow.consumers.still_writer import StillWriter
    from videoflow.consumers.video_file_writer import VideoFileWriter, VideofileWriter
    from videoflow.consumers.webhook_consumer import WebhookConsumer
else:  # what needs more than print() and open() is imported when its name is first used
    __getattr__ = lazy_exports(
        __name__,
        {
            "JsonLinesWriter": "json_lines_writer",
            "MotWriter": "mot_writer",
            "StillWriter": "still_writer",
            "VideoFileWriter": "video_file_writer",
            "VideofileWriter": "video_file_writer",
            "WebhookConsumer": "webhook_consumer",
        },
    )

__all__ = [
    "CommandlineConsumer",
    "FileAppenderConsumer",
    "JsonLinesWriter",
    "MotWriter",
    "StillWriter",
    "VideoFileWriter",
    "VideofileWriter",
    "VoidConsumer",
    "WebhookConsumer",
]
