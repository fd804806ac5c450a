"""How a command ends: with which code, and with which words on standard error."""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NoReturn

from videoflow.errors import VideoflowError

__all__ = ["FAILED", "INTERRUPTED", "UNREAD", "WRONG_INPUT", "exit_code", "forget_unprinted"]

FAILED: Final = 1
WRONG_INPUT: Final = 2
INTERRUPTED: Final = 128 + signal.SIGINT
UNREAD: Final = 128 + signal.SIGPIPE

_WAYS_OUT: Final = {
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.ENOSPC: "make room, or write to another place",
    errno.EDQUOT: "make room, or write to another place",
}


@contextmanager
def exit_code(code: int, shows_traceback: bool = False) -> Iterator[None]:
    """Turn an error into a message and an exit code.

    Args:
        code: For an error of ours or of the system, unless it says that the input was wrong;
            any other goes on.
        shows_traceback: Show that of a node that failed.
    """
    try:
        yield
    except VideoflowError as error:
        is_wrong_input = getattr(error, "is_wrong_input", False)
        _fail(error, WRONG_INPUT if is_wrong_input else code, shows_traceback)
    except BrokenPipeError:  # as of "| head": whoever read has seen enough
        raise SystemExit(UNREAD) from None
    except OSError as error:
        _fail(_told(error), code, shows_traceback)
    except KeyboardInterrupt:
        print("stopped by Ctrl-C", file=sys.stderr)
        raise SystemExit(INTERRUPTED) from None


def forget_unprinted() -> None:
    """Drop what cannot be printed, so that nobody tries it again when the process ends.

    Source: the documentation of Python's ``signal``, "Note on SIGPIPE".
    """
    try:
        print(end="", flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _told(error: OSError) -> VideoflowError:
    """Return in our own form what the system refused."""
    if error.filename is None and isinstance(error, FileNotFoundError):
        return VideoflowError(
            "the current folder is not there any more", help="cd to one that is"
        )
    where = "the output" if error.filename is None else error.filename
    return VideoflowError(
        f"{where}: {error.strerror or error}",
        help=_WAYS_OUT.get(error.errno or 0, "give another path, or one that you may use"),
    )


def _fail(error: VideoflowError, code: int, shows_traceback: bool) -> NoReturn:
    print(f"error: {error}", file=sys.stderr)
    remote = getattr(error, "remote_traceback", "")
    for note in getattr(error, "__notes__", ()):
        if not remote or remote.strip() not in note:  # join() says it in a note, for Python
            print(f"  {note}", file=sys.stderr)
    if remote and shows_traceback:
        print(remote, file=sys.stderr)
    elif remote and code == FAILED:
        print("  --traceback shows where in the node", file=sys.stderr)
    raise SystemExit(code) from None
