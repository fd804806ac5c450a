"""Shows on a terminal that something goes on, and how far a download is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from videoflow.nets.download import Progress

__all__ = ["show_working"]


@contextmanager
def show_working(what: str) -> Iterator[None]:
    """Show ``what`` on standard error, if that is a terminal, until the block is left.

    A download of weights takes its place, with a bar.
    """
    from rich.console import Console  # slow: not for --version

    terminal = Console(stderr=True)
    if not terminal.is_terminal:
        yield
        return
    from videoflow.nets.weights import downloads_watched

    with ExitStack() as shown:
        shown.enter_context(terminal.status(what))

        def begin(file: str) -> Progress:
            shown.close()
            return _bar(terminal, file, shown)

        with downloads_watched(begin):
            yield


def _bar(terminal: Console, file: str, shown: ExitStack) -> Progress:
    """Return what moves a bar that ``shown`` closes."""
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=terminal,
    )
    task = bar.add_task(file, total=None)
    shown.enter_context(bar)
    return lambda done, total: bar.update(task, completed=done, total=total)
