"""How a command ends: with which code, and with which words on standard error."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NoReturn

from videoflow.errors import VideoflowError

__all__ = ["FAILED", "INTERRUPTED", "WRONG_INPUT", "exit_code"]

FAILED: Final = 1
WRONG_INPUT: Final = 2
INTERRUPTED: Final = 128 + signal.SIGINT


@contextmanager
def exit_code(code: int, shows_traceback: bool = False) -> Iterator[None]:
    """Turn an error into a message and an exit code.

    Args:
        code: For an error of ours; one that is not ours goes on.
        shows_traceback: Show that of a node that failed.
    """
    try:
        yield
    except VideoflowError as error:
        _fail(error, code, shows_traceback)
    except KeyboardInterrupt:
        print("stopped by Ctrl-C", file=sys.stderr)
        raise SystemExit(INTERRUPTED) from None


def _fail(error: VideoflowError, code: int, shows_traceback: bool) -> NoReturn:
    print(f"error: {error}", file=sys.stderr)
    remote = getattr(error, "remote_traceback", "")
    for note in getattr(error, "__notes__", ()):
        if not remote or remote.strip() not in note:  # join() says it in a note, for Python
            print(f"  {note}", file=sys.stderr)
    if remote and shows_traceback:
        print(remote, file=sys.stderr)
    elif remote:
        print("  --traceback shows where in the node", file=sys.stderr)
    raise SystemExit(code) from None
