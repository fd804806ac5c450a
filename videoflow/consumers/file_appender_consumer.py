"""Items as lines at the end of a text file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, ClassVar, TextIO

from videoflow.core.node import ConsumerNode
from videoflow.errors import OutputError

__all__ = ["FileAppenderConsumer"]


class FileAppenderConsumer(ConsumerNode):
    r"""Appends one line for each item to a UTF-8 text file; what the file held stays.

    Each line is handed to the operating system when it is written: another process sees it
    at once, and it outlives a worker that is killed. It is not forced onto the disk, so a
    power cut may take the last seconds. A line end inside an item is written as ``\n``, so
    that a line is always one item.

    Args:
        path: The file; it and its folder are made when they are not there.
        sep: Between the inputs of one item.
        **options: See ``NodeOptions``.
    """

    auto_device = "cpu"
    shares_output: ClassVar[bool] = True

    def __init__(self, path: str | Path, sep: str = " ", **options: Any) -> None:
        super().__init__(**options)
        self.path = Path(path)
        self.sep = sep
        self._file: TextIO | None = None

    def check(self) -> None:
        """Make the folder, and refuse a path that cannot be appended to.

        Raises:
            OutputError: No permission, or a folder in the file's place.
        """
        if self.path.is_dir():
            raise OutputError(f"{self.name!r}: {self.path} is a folder, want a file")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"{self.name!r}: {self.path.parent}: {error.strerror}",
                help="choose another path",
            ) from error
        target = self.path if self.path.exists() else self.path.parent
        if not os.access(target, os.W_OK):
            raise OutputError(f"{self.name!r}: {target} cannot be written to")

    def output_path(self, stream: str) -> Path:
        """Return the file, which other appenders may append to as well."""
        return self.path

    def open(self) -> None:
        """Open the file at its end.

        Raises:
            OutputError: It cannot be opened.
        """
        try:
            self._file = self.path.open("a", buffering=1, encoding="utf-8")
        except OSError as error:
            raise OutputError(f"{self.name!r}: {self.path}: {error.strerror}") from error

    def consume(self, *inputs: Any) -> None:
        """Append one line."""
        assert self._file is not None, "open() comes first"
        line = self.sep.join(map(str, inputs)).replace("\r", "\\r").replace("\n", "\\n")
        self._file.write(line + "\n")

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None
