"""Where a model's trained numbers are: an offline folder, the cache, or the network.

Every file is checked against the card's sha256 before anybody reads it (3.7 MB take 3 ms, so
nothing is remembered about files that were checked before). Nothing is written anywhere but
into the cache folder, and there only whole files appear.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from typing import IO, Final
from urllib.request import urlopen

from videoflow.errors import ModelError
from videoflow.nets.card import ModelCard

__all__ = ["CACHE_VARIABLE", "WEIGHTS_VARIABLE", "Progress", "cache_folder", "find_weights"]

WEIGHTS_VARIABLE: Final = "VIDEOFLOW_WEIGHTS"
"""Environment: folders with weights, looked through first, separated like ``PATH``."""

CACHE_VARIABLE: Final = "VIDEOFLOW_CACHE"
"""Environment: the cache folder, by default ``videoflow`` in the user's cache folder."""

Progress = Callable[[int, int | None], None]
"""Called while a file is downloaded: bytes so far, and of how many (None: nobody knows)."""

_TIMEOUT_SECONDS: Final = 30.0
_CHUNK_BYTES: Final = 1 << 18


def cache_folder() -> Path:
    """Return the folder for downloaded weights; it need not exist yet.

    Source: XDG Base Directory Specification 0.8, ``XDG_CACHE_HOME``.
    """
    if named := os.environ.get(CACHE_VARIABLE):
        return Path(named).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "videoflow"


def find_weights(card: ModelCard, *, progress: Progress | None = None) -> Path:
    """Return the model's weights file, downloaded if it is nowhere yet.

    Looks directly in the folders of ``VIDEOFLOW_WEIGHTS``, then in the cache folder. A file
    of the right name and the wrong content is an error and not passed over, so that the
    folder that somebody named is the one that counts. Blocks while it downloads.

    Args:
        card: Says the file's name, checksum and address.
        progress: Hears how far a download is.

    Raises:
        ModelError: A wrong checksum, no connection, or a cache that cannot be written.
    """
    named = os.environ.get(WEIGHTS_VARIABLE, "").split(os.pathsep)
    folders = [Path(folder).expanduser() for folder in named if folder]
    for folder in (*folders, cache_folder()):
        file = folder / card.weights.file
        if file.is_file():
            _check_file(file, card)
            return file
    return _download(card, cache_folder(), progress=progress)


def _check_file(file: Path, card: ModelCard) -> None:
    with file.open("rb") as stream:
        came = hashlib.file_digest(stream, "sha256").hexdigest()
    if came != card.weights.sha256:
        raise ModelError(
            f"{file}: got sha256 {came}, want {card.weights.sha256} (model {card.name!r})",
            help=f"delete the file, to have it downloaded from {card.weights.url}; or put "
            f"the right one in its place, or into another folder of {WEIGHTS_VARIABLE}",
        )


def _download(card: ModelCard, folder: Path, *, progress: Progress | None) -> Path:
    target = folder / card.weights.file
    part: Path | None = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            dir=folder, prefix=f".{target.name}.", suffix=".part", delete=False
        ) as stream:
            part = Path(stream.name)
            came = _fetch(card.weights.url, stream, progress=progress)
        if came != card.weights.sha256:
            raise ModelError(
                f"{card.weights.url}: got sha256 {came}, want {card.weights.sha256} "
                f"(model {card.name!r})",
                help=f"try again, in case it was cut off; or {_own_copy(card)}",
            )
        part.replace(target)  # whole or not at all, also for a worker that looks meanwhile
    except (OSError, HTTPException) as error:
        raise ModelError(
            f"model {card.name!r}: no file {card.weights.file} in {WEIGHTS_VARIABLE} or "
            f"{folder}, and it cannot be downloaded to there from {card.weights.url}: {error}",
            help=f"connect to the network and run again; or {_own_copy(card)}",
        ) from error
    finally:
        if part is not None:
            part.unlink(missing_ok=True)
    return target


def _fetch(url: str, stream: IO[bytes], *, progress: Progress | None) -> str:
    """Copy ``url`` into ``stream`` and return its sha256."""
    digest = hashlib.sha256()
    with urlopen(url, timeout=_TIMEOUT_SECONDS) as response:
        length = response.headers.get("Content-Length")
        num_bytes, total_bytes = 0, int(length) if length else None
        while chunk := response.read(_CHUNK_BYTES):
            stream.write(chunk)
            digest.update(chunk)
            num_bytes += len(chunk)
            if progress is not None:
                progress(num_bytes, total_bytes)
    return digest.hexdigest()


def _own_copy(card: ModelCard) -> str:
    return (
        f"fetch that address on another machine, call the file {card.weights.file}, "
        f"and name its folder in {WEIGHTS_VARIABLE}"
    )
