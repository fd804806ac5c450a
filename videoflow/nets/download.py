"""Fetches a file from an address: whole or not at all, going on where it was cut off.

Two processes that want one file do not fetch it twice: the second waits for the first. The
part that is there so far is a hidden file beside the target, and it is locked by whoever
writes to it.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import IO, Any, Final
from urllib.error import HTTPError
from urllib.request import Request, urlopen

__all__ = ["WAITS_SECONDS", "Progress", "download"]

Progress = Callable[[int, int | None], None]
"""Called while a file is downloaded: bytes so far, and of how many (None: nobody knows)."""

WAITS_SECONDS: Final = (0.5, 2.0, 5.0)
"""Before the second, third and fourth try."""

_TIMEOUT_SECONDS: Final = 30.0
_CHUNK_BYTES: Final = 1 << 18
_PARTIAL_CONTENT: Final = 206
_RANGE_NOT_SATISFIABLE: Final = 416
_PASSING: Final = {408, 429, 500, 502, 503, 504}
"""Answers that may be different a moment later. Source: RFC 9110 section 15, RFC 6585."""


def download(
    url: str,
    target: Path,
    *,
    check: Callable[[Path], None],
    resumes_earlier: bool,
    progress: Progress | None = None,
) -> None:
    """Fetch ``url`` and put it at ``target``; do nothing if somebody else did meanwhile.

    A server that has answered once is asked again when it breaks off or is too busy; one that
    cannot be reached at all is not. Blocks, also while another process fetches the file.

    Args:
        url: ``http:``, ``https:`` or ``file:``.
        target: Its folder is there.
        check: Gets the whole file before it is moved to ``target``, and raises if it is not
            the right one; then it is deleted.
        resumes_earlier: Go on with what an earlier call left behind. Only for content that
            ``check`` can tell apart: the file may have changed at its address.
        progress: Hears how far it is.

    Raises:
        OSError: No connection, an answer that is no file, or no space.
        HTTPException: What came is no HTTP.
    """
    part = target.with_name(f".{target.name}.part")
    with _locked(part) as stream:
        if target.is_file():
            part.unlink()
            return
        if not resumes_earlier:
            _empty(stream)
        try:
            _Transfer(url, stream, progress, is_told_apart=resumes_earlier).run()
        except BaseException:
            if not stream.tell():
                part.unlink()
            raise
        try:
            check(part)
        except BaseException:
            part.unlink()
            raise
        part.replace(target)


@contextmanager
def _locked(part: Path) -> Iterator[IO[bytes]]:
    """Open ``part`` at its end for one process at a time."""
    while True:
        with part.open("ab") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            if not _is_at(stream, part):
                continue  # who held the lock before has moved or deleted it
            yield stream
            return


def _is_at(stream: IO[bytes], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(stream.fileno()), path.stat())
    except FileNotFoundError:
        return False


@dataclass(slots=True)
class _Transfer:
    """One file on its way, over as many tries as it takes."""

    url: str
    stream: IO[bytes]
    progress: Progress | None
    is_told_apart: bool
    """Whether a file of mixed versions would be noticed."""
    version: str | None = None
    """Of the file at its address, in the server's words; None before an answer."""
    has_answer: bool = False

    def run(self) -> None:
        for wait_seconds in (*WAITS_SECONDS, None):
            try:
                self._try()
            except (OSError, HTTPException) as error:
                if wait_seconds is None or not self._is_passing(error):
                    raise
                time.sleep(wait_seconds)
            else:
                return

    def _try(self) -> None:
        with self._ask() as response:
            self.has_answer = True
            if not self._goes_on(response):
                _empty(self.stream)
            self.version = _version(response)
            length = response.headers.get("Content-Length")
            total_bytes = self.stream.tell() + int(length) if length else None
            self._check_space(total_bytes)
            while chunk := response.read(_CHUNK_BYTES):
                self.stream.write(chunk)
                if self.progress is not None:
                    self.progress(self.stream.tell(), total_bytes)
            self.stream.flush()
        if total_bytes is not None and self.stream.tell() != total_bytes:
            raise OSError(f"it broke off after {self.stream.tell()} of {total_bytes} bytes")

    def _ask(self) -> Any:
        """Ask for what is missing, or for everything where parts might not fit together."""
        headers = {}
        if self.stream.tell() and (self.version or self.is_told_apart):
            headers["Range"] = f"bytes={self.stream.tell()}-"
            if self.version:
                headers["If-Range"] = self.version
        try:
            return urlopen(Request(self.url, headers=headers), timeout=_TIMEOUT_SECONDS)
        except HTTPError as error:
            if error.code != _RANGE_NOT_SATISFIABLE or not headers:
                raise
            error.close()
        _empty(self.stream)  # what is there is longer than the file
        return urlopen(self.url, timeout=_TIMEOUT_SECONDS)

    def _goes_on(self, response: Any) -> bool:
        """Return whether the answer begins where the part ends (RFC 9110 section 14.4)."""
        span = response.headers.get("Content-Range", "")
        return getattr(response, "status", None) == _PARTIAL_CONTENT and span.startswith(
            f"bytes {self.stream.tell()}-"
        )

    def _check_space(self, total_bytes: int | None) -> None:
        missing = (total_bytes or 0) - self.stream.tell()
        free = shutil.disk_usage(Path(self.stream.name).parent).free
        if missing > free:
            raise OSError(errno.ENOSPC, f"it wants {missing} bytes, and {free} are free")

    def _is_passing(self, error: OSError | HTTPException) -> bool:
        if isinstance(error, HTTPError):
            error.close()
            return error.code in _PASSING
        is_full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
        return self.has_answer and not is_full


def _empty(stream: IO[bytes]) -> None:
    stream.truncate(0)
    stream.seek(0)


def _version(response: Any) -> str | None:
    """Return what ``If-Range`` compares: a strong tag only (RFC 9110 section 13.1.5)."""
    tag: str = response.headers.get("ETag", "")
    return tag if tag.startswith('"') else None
