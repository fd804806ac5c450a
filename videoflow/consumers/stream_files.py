"""The files of a flow: one for each stream, or one for all, published at the end.

Knows when a file is complete; not what is in it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from videoflow.consumers.published_file import target_for
from videoflow.core.node import Ending
from videoflow.errors import OutputError

__all__ = ["OutputFile", "StreamFiles"]


class OutputFile(Protocol):
    """A file under way."""

    def publish(self) -> None:
        """Complete the file and give it its name."""

    def discard(self) -> None:
        """Remove it."""


File = TypeVar("File", bound=OutputFile)


class StreamFiles(Generic[File]):
    """Files under way.

    With ``{stream}`` in the pattern each stream has a file, published when it ends; without,
    all streams share one, published when the last has ended. A stream that failed takes its
    file with it.

    Args:
        pattern: Path, may hold ``{stream}``.
        make_file: Opens a file that will be at a path.
    """

    def __init__(self, pattern: Path, make_file: Callable[[Path], File]) -> None:
        self._pattern = pattern
        self._make_file = make_file
        self._is_per_stream = "{stream}" in str(pattern)
        self._files: dict[Path, File] = {}
        self._owners: dict[Path, str] = {}  # per stream: whose file it is
        self._endings: dict[str, Ending] = {}

    def file_for(self, stream: str | None) -> File:
        """Return the file for a value of ``stream``; None where nobody knows which.

        Raises:
            OutputError: The file cannot be made, or it takes a stream's name to find it.
        """
        if stream is None and self._is_per_stream:
            raise OutputError(
                f"{self._pattern}: got a value that does not say its stream",
                help="leave {stream} out of the path, or send values with a stamp",
            )
        return self._file(stream or "")

    def end_stream(self, stream: str, ending: Ending) -> None:
        """Publish or discard the file of ``stream``; a shared one waits for ``close``.

        Raises:
            OutputError: The file cannot be written.
        """
        self._endings[stream] = ending
        if not self._is_per_stream:
            return
        file = self._file(stream)
        del self._files[self._path(stream)]
        file.discard() if ending == "failed" else file.publish()

    def close(self) -> None:
        """Publish the shared file when all streams ended well; discard all that is not.

        Raises:
            OutputError: The file cannot be written, or there were values of a stream that is
                none of the flow's.
        """
        is_complete = self._endings and "failed" not in self._endings.values()
        if not self._is_per_stream and is_complete:
            self._file("").publish()
            self._files.clear()
        left = sorted(self._owners[path] for path in self._files if path in self._owners)
        for file in self._files.values():
            file.discard()
        self._files.clear()
        if left and self._endings:
            raise OutputError(
                f"{self._pattern}: got values of {left[0]!r}, want a stream of the flow: "
                f"{', '.join(sorted(self._endings))}",
                help="give records the name of their stream, or leave {stream} out of the path",
            )

    def _file(self, stream: str) -> File:
        path = self._path(stream)
        if self._is_per_stream and self._owners.setdefault(path, stream) != stream:
            raise OutputError(
                f"{path}: got streams {self._owners[path]!r} and {stream!r}, want one",
                help="give the streams names that differ in more than a slash",
            )
        if path not in self._files:
            self._files[path] = self._make_file(path)
        return self._files[path]

    def _path(self, stream: str) -> Path:
        return target_for(self._pattern, stream) if self._is_per_stream else self._pattern
