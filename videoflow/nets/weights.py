"""Where a model's trained numbers are: beside its card, an offline folder, the cache, the net.

Every file is checked before anybody reads it (3.7 MB take 3 ms, so nothing is remembered
about files that were checked before): against the card's sha256, or, where the card has none,
against the one that was noted when somebody said that any content will do. That note lies
beside the file as ``NAME.sha256``, in the form that ``sha256sum --check`` reads. Nothing else
is written anywhere but into the cache folder, and there only whole files appear.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Final

from videoflow.errors import ModelError
from videoflow.nets.card import ModelCard
from videoflow.nets.download import Progress, download

__all__ = [
    "CACHE_VARIABLE",
    "WEIGHTS_VARIABLE",
    "cache_folder",
    "downloads_watched",
    "find_weights",
    "local_weights",
]

WEIGHTS_VARIABLE: Final = "VIDEOFLOW_WEIGHTS"
"""Environment: folders with weights, looked through first, separated like ``PATH``."""

CACHE_VARIABLE: Final = "VIDEOFLOW_CACHE"
"""Environment: the cache folder, by default ``videoflow`` in the user's cache folder."""


_WATCHER: ContextVar[Callable[[str], Progress] | None] = ContextVar("watcher", default=None)


@contextmanager
def downloads_watched(begin: Callable[[str], Progress]) -> Iterator[None]:
    """Let every download inside the block, and nowhere else, be watched.

    Args:
        begin: Is told the name of each file, and returns what hears how far it is.
    """
    token = _WATCHER.set(begin)
    try:
        yield
    finally:
        _WATCHER.reset(token)


def cache_folder() -> Path:
    """Return the folder for downloaded weights; it need not exist yet.

    Source: XDG Base Directory Specification 0.8, ``XDG_CACHE_HOME``.
    """
    if named := os.environ.get(CACHE_VARIABLE):
        return Path(named).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "videoflow"


def local_weights(card: ModelCard) -> Path | None:
    """Return where the model's weights file is, unchecked, or None if it is nowhere yet.

    Looks beside the card, then directly in the folders of ``VIDEOFLOW_WEIGHTS``, then in the
    cache folder.
    """
    named = os.environ.get(WEIGHTS_VARIABLE, "").split(os.pathsep)
    folders = [Path(folder).expanduser() for folder in named if folder]
    files = (folder / card.weights.file for folder in (card.folder, *folders, cache_folder()))
    return next((file for file in files if file.is_file()), None)


def find_weights(
    card: ModelCard, *, allow_unknown_checksum: bool = False, progress: Progress | None = None
) -> Path:
    """Return the model's weights file, downloaded if it is nowhere yet.

    A file of the right name and the wrong content is an error and not passed over, so that
    the folder that somebody named is the one that counts. Blocks while it downloads.

    Args:
        card: Says the file's name, checksum and address.
        allow_unknown_checksum: Take whatever is there, or comes, of a file whose checksum is
            not known, and note its checksum; from then on it has to stay as it is.
        progress: Hears how far a download is.

    Raises:
        ModelError: A wrong checksum, one that is not known, no connection, or a cache that
            cannot be written.
    """
    file = local_weights(card)
    if file is not None:
        check = _Check(card, file, where=str(file), allows_unknown=allow_unknown_checksum)
        check(file)
        return file
    target = cache_folder() / card.weights.file
    if card.weights.url is None:
        raise ModelError(
            f"model {card.name!r}: no file {target.name} in {card.folder}, "
            f"{WEIGHTS_VARIABLE} or {target.parent}, and its card has no address for it",
            help="put it into one of these folders",
        )
    if card.weights.sha256 is None and not allow_unknown_checksum:
        raise ModelError(
            f"model {card.name!r}: {target.name} is not here, and the checksum of "
            f"{card.weights.url} is not known",
            help="say allow_unknown_checksum=True to download what is there and to note its "
            f"checksum (videoflow models fetch {card.name} --allow-unknown-checksum); "
            f"or {_own_copy(card)}",
        )
    _download(card, target, progress=progress)
    return target


@dataclass(frozen=True, slots=True)
class _Check:
    """Compares content with the checksum that is known of a file.

    Attributes:
        card: Knows the checksum, perhaps.
        file: Beside which a checksum may be noted.
        where: Where the content comes from, for messages.
        allows_unknown: Take any content where no checksum is known, and note its.
    """

    card: ModelCard
    file: Path
    where: str
    allows_unknown: bool

    def __call__(self, content: Path) -> None:
        with content.open("rb") as stream:
            came = hashlib.file_digest(stream, "sha256").hexdigest()
        note = self.file.with_name(f"{self.file.name}.sha256")
        want = self.card.weights.sha256 or _noted_checksum(note)
        if want is None and not self.allows_unknown:
            raise ModelError(
                f"{self.where}: got sha256 {came}, and nobody said which one it should have "
                f"(model {self.card.name!r})",
                help="if you trust the file, say allow_unknown_checksum=True once, or write "
                f"the checksum into the model's card or into {note.name} beside the file",
            )
        if want is None:
            _note_checksum(note, came)
        elif not came.startswith(want):
            raise ModelError(
                f"{self.where}: got sha256 {came}, want {want} (model {self.card.name!r})",
                help=self._ways_out(note),
            )

    def _ways_out(self, note: Path) -> str:
        weights = self.card.weights
        if weights.sha256 is None:
            return f"go back to the former file; or, if you trust the new one, delete {note}"
        if self.where == weights.url:
            return f"try again, in case it was cut off; or {_own_copy(self.card)}"
        source = f", to have it downloaded from {weights.url}" if weights.url else ""
        return (
            f"delete the file{source}; or put the right one in its place, "
            f"or into another folder of {WEIGHTS_VARIABLE}"
        )


def _noted_checksum(note: Path) -> str | None:
    try:
        text = note.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"{note}: cannot be read: {error}") from error
    if found := re.match(r"[0-9a-f]{64}\b", text):
        return found[0]
    raise ModelError(
        f"{note}: got {text[:80]!r}, want a sha256 and a file name",
        help="write it with sha256sum",
    )


def _note_checksum(note: Path, checksum: str) -> None:
    try:
        note.write_text(f"{checksum}  {note.stem}\n", encoding="utf-8")
    except OSError as error:
        raise ModelError(
            f"{note}: cannot note the checksum of {note.stem}: {error.strerror}",
            help="have it written by somebody who may, with sha256sum; or copy the file into "
            "a folder of your own",
        ) from error


def _download(card: ModelCard, target: Path, *, progress: Progress | None) -> None:
    url = str(card.weights.url)
    if progress is None and (begin := _WATCHER.get()):
        progress = begin(card.weights.file)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        download(
            url,
            target,
            check=_Check(card, target, where=url, allows_unknown=True),
            resumes_earlier=card.weights.sha256 is not None,
            progress=progress,
        )
    except (OSError, HTTPException) as error:
        raise ModelError(
            f"model {card.name!r}: no file {target.name} in {WEIGHTS_VARIABLE} or "
            f"{target.parent}, and it cannot be downloaded to there from {url}: {error}",
            help=f"connect to the network and run again; or {_own_copy(card)}",
        ) from error


def _own_copy(card: ModelCard) -> str:
    return (
        f"fetch that address on another machine, call the file {card.weights.file}, "
        f"and name its folder in {WEIGHTS_VARIABLE}"
    )
