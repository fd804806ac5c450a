"""A text file that appears whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from videoflow.errors import OutputError

__all__ = ["PublishedFile", "check_target", "target_for"]


class PublishedFile:
    """Text on its way to ``path``, under a hidden name beside it until it is published.

    What was at ``path`` before stays until then.

    Args:
        path: Where the text will be.

    Raises:
        OutputError: The file cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._temporary.open("w", encoding="utf-8", newline="\n")
        except OSError as error:
            raise _cannot_write(path, error) from error

    def write(self, text: str) -> None:
        """Add ``text`` to the end.

        Raises:
            OutputError: The disk is full, or gone.
        """
        try:
            self._file.write(text)
        except OSError as error:
            raise _cannot_write(self.path, error) from error

    def publish(self) -> None:
        """Give the file its final name, in one step, replacing what was there.

        Raises:
            OutputError: The text cannot be written out, or the name is taken by a folder.
        """
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            os.replace(self._temporary, self.path)
        except OSError as error:
            self.discard()
            raise _cannot_write(self.path, error) from error

    def discard(self) -> None:
        """Remove what was written; what was at ``path`` before stays."""
        with contextlib.suppress(OSError):  # flushing to a full disk fails again
            self._file.close()
        self._temporary.unlink(missing_ok=True)


def target_for(pattern: Path, stream: str) -> Path:
    """Return ``pattern`` with ``{stream}`` filled in; a slash in the name becomes ``_``."""
    safe = stream.replace("/", "_").replace(os.sep, "_").replace("\0", "_")
    return Path(str(pattern).replace("{stream}", "_" if safe in ("", ".", "..") else safe))


def check_target(pattern: Path) -> None:
    """Refuse what cannot be written to; make the folders above it.

    Args:
        pattern: May hold ``{stream}``; the folders above the first one are looked at.

    Raises:
        OutputError: ``pattern`` is a folder, or its folder cannot be made or written to.
    """
    if pattern.is_dir():
        raise OutputError(
            f"{pattern}: is a folder, want the name of a file", help="add a file name to it"
        )
    folder = pattern.parent
    while "{stream}" in str(folder):
        folder = folder.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(prefix=".videoflow-", dir=folder):
            pass
    except OSError as error:
        raise _cannot_write(pattern, error) from error


def _cannot_write(path: Path, error: OSError) -> OutputError:
    if isinstance(error, FileExistsError | NotADirectoryError):
        return OutputError(
            f"{path}: cannot be written: one of the folders above it is a file",
            help="choose another folder",
        )
    return OutputError(
        f"{path}: cannot be written: {error.strerror or error}",
        help="choose a path in a folder that you may write to",
    )
