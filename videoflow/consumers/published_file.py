"""A file that appears whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import BinaryIO

from videoflow.errors import OutputError

__all__ = ["PublishedFile", "cannot_write", "check_target", "safe_name", "target_for"]


class PublishedFile:
    """Bytes on their way to ``path``, under a hidden name beside it until they are published.

    What was at ``path`` before stays until then.

    Args:
        path: Where the bytes will be.

    Attributes:
        file: For who writes to files, such as a library.

    Raises:
        OutputError: The file cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self.file: BinaryIO = self._temporary.open("wb")
        except OSError as error:
            raise cannot_write(path, error) from error

    def write(self, data: bytes) -> None:
        """Add ``data`` to the end.

        Raises:
            OutputError: The disk is full, or gone.
        """
        try:
            self.file.write(data)
        except OSError as error:
            raise cannot_write(self.path, error) from error

    def publish(self) -> None:
        """Give the file its final name, in one step, replacing what was there.

        Raises:
            OutputError: The bytes cannot be written out, or the name is taken by a folder.
        """
        try:
            self.file.flush()
            os.fsync(self.file.fileno())
            self.file.close()
            os.replace(self._temporary, self.path)
        except OSError as error:
            self.discard()
            raise cannot_write(self.path, error) from error

    def discard(self) -> None:
        """Remove what was written; what was at ``path`` before stays."""
        with contextlib.suppress(OSError):  # flushing to a full disk fails again
            self.file.close()
        self._temporary.unlink(missing_ok=True)


def target_for(pattern: Path, stream: str) -> Path:
    """Return ``pattern`` with ``{stream}`` filled in; a slash in the name becomes ``_``."""
    return Path(str(pattern).replace("{stream}", safe_name(stream)))


def safe_name(name: str) -> str:
    """Return ``name`` as a part of a path that cannot choose another folder."""
    safe = name.replace("/", "_").replace(os.sep, "_").replace("\0", "_")
    return "_" if safe in ("", ".", "..") else safe


def check_target(pattern: Path) -> None:
    """Refuse what cannot be written to; make the folders above it.

    Args:
        pattern: May hold places such as ``{stream}``; the folders above the first one are
            looked at.

    Raises:
        OutputError: ``pattern`` is a folder, or its folder cannot be made or written to.
    """
    if pattern.is_dir():
        raise OutputError(
            f"{pattern}: is a folder, want the name of a file", help="add a file name to it"
        )
    folder = pattern.parent
    while "{" in str(folder):
        folder = folder.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(prefix=".videoflow-", dir=folder):
            pass
    except OSError as error:
        raise cannot_write(pattern, error) from error


def cannot_write(path: Path, error: OSError) -> OutputError:
    """Return what to raise where the system refused ``path``."""
    return OutputError(
        f"{path}: cannot be written: {error.strerror or error}",
        help="choose a path in a folder that you may write to",
    )
