"""Which files of a folder are meant, and in which order."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from videoflow.data.natural_order import natural_key
from videoflow.errors import SourceError

__all__ = ["IMAGE_SUFFIXES", "VIDEO_SUFFIXES", "list_folder"]

VIDEO_SUFFIXES: Final = (
    ".avi", ".flv", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".ts", ".webm",
    ".wmv",
)  # fmt: skip
"""Of the files that are read as videos."""
IMAGE_SUFFIXES: Final = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
"""Of the files that are read as images."""


def list_folder(folder: Path, *, suffixes: tuple[str, ...]) -> list[Path]:
    """Return the files of a folder that have one of ``suffixes``, in natural order.

    Natural order reads digits as numbers: ``2.png`` comes before ``10.png``. Hidden files and
    sub-folders are left out.

    Args:
        folder: Where to look.
        suffixes: Lower case, with the dot; a file's own may be of any case.

    Raises:
        SourceError: It is missing, no folder, or has no such file.
    """
    if not folder.is_dir():
        what = "a file" if folder.exists() else "no such folder"
        raise SourceError(
            f"{folder}: got {what}, want a folder",
            help=f"a relative path is looked for in {Path.cwd()}",
        )
    files = [
        path
        for path in folder.iterdir()
        if path.suffix.lower() in suffixes and not path.name.startswith(".") and path.is_file()
    ]
    if not files:
        raise SourceError(
            f"{folder}: got no file that ends in {', '.join(suffixes)}, want at least one",
            help="hidden files and sub-folders are not looked at",
        )
    return sorted(files, key=lambda path: natural_key(path.name))
