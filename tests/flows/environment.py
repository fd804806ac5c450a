"""Another interpreter that finds this package and its tests."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HANG_SECONDS = 300.0
"""After so long a program hangs. No bound on its time: that is asserted where it matters."""


def python_environment(**extra: str) -> dict[str, str]:
    """Return this process's environment, with the package and its tests on the path."""
    root = Path(__file__).parent.parent.parent
    path = os.pathsep.join([str(root), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**os.environ, "PYTHONPATH": path, **extra}


@contextmanager
def python(*arguments: str, folder: Path | None = None) -> Iterator[subprocess.Popen[str]]:
    """Start this interpreter in a session of its own; in the end, kill it."""
    process = subprocess.Popen(
        [sys.executable, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env=python_environment(),
        start_new_session=True,
    )
    guard = threading.Timer(HANG_SECONDS, process.kill)
    guard.start()
    with process:
        try:
            yield process
        finally:
            guard.cancel()
            process.kill()
