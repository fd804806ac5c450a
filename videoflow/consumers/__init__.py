"""Nodes at the end of a branch: they write, print and send."""

from typing import TYPE_CHECKING

from videoflow.consumers.commandline_consumer import CommandlineConsumer
from videoflow.consumers.file_appender_consumer import FileAppenderConsumer
from videoflow.consumers.void_consumer import VoidConsumer
from videoflow.exports import lazy_exports

if TYPE_CHECKING:
    from videoflow.consumers.csv_writer import CsvWriter
    from videoflow.consumers.event_clip_writer import EventClipWriter
    from videoflow.consumers.image_writers import ImageFolderWriter, StillWriter
    from videoflow.consumers.json_lines_writer import JsonLinesWriter
    from videoflow.consumers.kafka_publisher import KafkaPublisher
    from videoflow.consumers.mot_writer import MotWriter
    from videoflow.consumers.mqtt_publisher import MqttPublisher
    from videoflow.consumers.parquet_writer import ParquetWriter
    from videoflow.consumers.sqlite_writer import SqliteWriter
    from videoflow.consumers.video_file_writer import VideoFileWriter, VideofileWriter
    from videoflow.consumers.webhook_consumer import WebhookConsumer
else:  # what needs more than print() and open() is imported when its name is first used
    __getattr__ = lazy_exports(
        __name__,
        {
            "CsvWriter": "csv_writer",
            "EventClipWriter": "event_clip_writer",
            "ImageFolderWriter": "image_writers",
            "JsonLinesWriter": "json_lines_writer",
            "KafkaPublisher": "kafka_publisher",
            "MotWriter": "mot_writer",
            "MqttPublisher": "mqtt_publisher",
            "ParquetWriter": "parquet_writer",
            "SqliteWriter": "sqlite_writer",
            "StillWriter": "image_writers",
            "VideoFileWriter": "video_file_writer",
            "VideofileWriter": "video_file_writer",
            "WebhookConsumer": "webhook_consumer",
        },
    )

__all__ = [
    "CommandlineConsumer",
    "CsvWriter",
    "EventClipWriter",
    "FileAppenderConsumer",
    "ImageFolderWriter",
    "JsonLinesWriter",
    "KafkaPublisher",
    "MotWriter",
    "MqttPublisher",
    "ParquetWriter",
    "SqliteWriter",
    "StillWriter",
    "VideoFileWriter",
    "VideofileWriter",
    "VoidConsumer",
    "WebhookConsumer",
]
