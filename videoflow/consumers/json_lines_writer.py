"""Write results as JSON Lines: one JSON value on each line, UTF-8."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from videoflow.consumers.file_writer_node import FileWriterNode
from videoflow.consumers.json_records import json_records, to_json
from videoflow.consumers.published_file import PublishedFile
from videoflow.data.rows import stream_of

__all__ = ["JsonLinesWriter"]


class JsonLinesWriter(FileWriterNode[PublishedFile]):
    """Write what arrives to a file that appears, whole, when the flow has ended.

    - ``Counts``: a line for each crossing, none for a frame without one.
    - ``ZoneCounts``: a line for each visit that begins, ends or is open at the end.
    - ``Speeds``: a line for each frame, with the people on the floor.
    - ``HeatMap``: a line for each map.
    - ``Detections``, ``Tracks``: a line for each frame, with its boxes (two decimals).
    - A dict or a dataclass: a line; NumPy arrays become lists.
    - Any other value that JSON knows: a line with that value.
    - ``None`` (nobody looked at the frame): no line.

    A number that is not finite becomes null. With several parents each input is written in
    turn.

    Args:
        path: Of the file. With ``{stream}`` in it each stream has a file of its own.
        **options: See ``NodeOptions``.

    Raises:
        GraphError: ``nb_tasks`` is not 1: two workers cannot write one file.
    """

    def make_file(self, path: Path) -> PublishedFile:
        """Open a file that will be at ``path``."""
        return PublishedFile(path)

    def consume(self, *inputs: Any) -> None:
        """Write the lines of each input.

        Raises:
            OutputError: A value that JSON cannot hold, or a file that cannot be written.
        """
        for value in inputs:
            for record in json_records(value):
                line = to_json(record) + "\n"
                self.files.file_for(stream_of(value)).write(line.encode())
