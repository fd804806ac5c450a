"""What every node that writes files of values does: a file for each stream, or one for all."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import Any, Generic

from videoflow.consumers.published_file import check_target, target_for
from videoflow.consumers.stream_files import File, StreamFiles
from videoflow.core.node import ConsumerNode, Ending
from videoflow.errors import GraphError

__all__ = ["FileWriterNode"]


class FileWriterNode(ConsumerNode, Generic[File]):
    """Write to files that appear, whole, when their streams have ended.

    A kind of its own between the node and its writers: they differ in the file that they
    make, and in what they write to it.

    Args:
        path: Of the file. With ``{stream}`` in it each stream has a file of its own.
        **options: See ``NodeOptions``.

    Raises:
        GraphError: ``nb_tasks`` is not 1: two workers cannot write one file.
    """

    auto_device = "cpu"

    def __init__(self, path: str | Path, **options: Any) -> None:
        super().__init__(**options)
        if self.options["nb_tasks"] != 1:
            raise GraphError(
                f"{self.name!r}: got nb_tasks={self.options['nb_tasks']}, want 1 for one file"
            )
        self.path = Path(path).expanduser().absolute()
        self._files: StreamFiles[File] | None = None

    @abstractmethod
    def make_file(self, path: Path) -> File:
        """Open a file that will be at ``path``.

        Raises:
            OutputError: It cannot be made.
        """

    @property
    def files(self) -> StreamFiles[File]:
        """The files under way."""
        assert self._files is not None, "open() comes first"
        return self._files

    def check(self) -> None:
        """Make the folder of ``path``.

        Raises:
            OutputError: ``path`` is a folder, or its folder cannot be written to.
        """
        check_target(self.path)

    def open(self) -> None:
        """Begin; files are made when something is written."""
        self._files = StreamFiles(self.path, self.make_file)

    def output_path(self, stream: str) -> Path:
        """Return the file of ``stream``, which may be that of all."""
        return target_for(self.path, stream)

    def end_stream(self, stream: str, ending: Ending) -> None:
        """Publish the file of ``stream`` if it has one of its own and did not fail."""
        self.files.end_stream(stream, ending)

    def close(self) -> None:
        """Publish the shared file if every stream ended and none failed."""
        files, self._files = self._files, None
        if files is not None:
            files.close()
