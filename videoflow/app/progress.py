"""How far a running flow is, drawn on a terminal or told in plain lines."""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from rich.console import Console

    from videoflow.core.flow import Flow
    from videoflow.core.report import Progress

__all__ = ["ProgressView", "Speed", "progress_text", "show_progress", "watch_progress"]

_TERMINAL_SECONDS: Final = 0.5
_PLAIN_SECONDS: Final = 5.0


@contextmanager
def show_progress(flow: Flow, console: Console) -> Iterator[None]:
    """Show the progress of ``flow`` until the block is left, in a thread of its own.

    Args:
        flow: A running flow.
        console: Where to; one that is no terminal gets a line every few seconds, and a last
            one at the end.
    """
    view: ProgressView = _Bar(console) if console.is_terminal else _Lines(console)
    with watch_progress(flow, view):
        yield


@contextmanager
def watch_progress(flow: Flow, view: ProgressView) -> Iterator[None]:
    """Tell ``view`` how far ``flow`` is until the block is left, in a thread of its own.

    Args:
        flow: A running flow.
        view: Is told once more, and closed, when the block is left.
    """
    has_left = threading.Event()
    thread = threading.Thread(
        target=_watch, args=(flow, view, has_left), name="videoflow-progress", daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        has_left.set()
        thread.join()


class ProgressView(Protocol):
    """Shows how far a flow is."""

    period_seconds: float

    def show(self, progress: Progress, text: str) -> None:
        """Show ``text``, which tells ``progress`` in a line."""

    def close(self) -> None:
        """Show nothing more."""


class Speed:
    """Frames a second over the last seconds.

    Args:
        window_seconds: How far back to look.
    """

    def __init__(self, window_seconds: float = 10.0) -> None:
        self._window_seconds = window_seconds
        self._marks: deque[tuple[float, int]] = deque([(0.0, 0)])

    def update(self, elapsed_seconds: float, num_done: int) -> float:
        """Note how far the flow is and return its speed.

        Args:
            elapsed_seconds: Since the flow began; never less than the time before.
            num_done: Frames whose way has ended since then.
        """
        if not num_done:  # models are being loaded
            self._marks.clear()
        self._marks.append((elapsed_seconds, num_done))
        while (
            len(self._marks) > 2 and self._marks[1][0] <= elapsed_seconds - self._window_seconds
        ):
            self._marks.popleft()
        before_seconds, num_before = self._marks[0]
        seconds = elapsed_seconds - before_seconds
        return (num_done - num_before) / seconds if seconds > 0 else 0.0


def progress_text(progress: Progress, fps: float) -> str:
    """Return one line: frames, speed, drops where there are any, and the time to the end.

    Before a frame is done, workers start and models are loaded.

    Args:
        progress: Of a flow.
        fps: Frames a second at the moment.
    """
    if not progress.num_done and progress.is_running:
        return f"starting, {_duration_text(progress.elapsed_seconds)}"
    total = "" if progress.num_total is None else f"/{progress.num_total}"
    parts = [f"frames {progress.num_done}{total}", f"fps {fps:.1f}"]
    if progress.num_dropped:
        parts.append(f"dropped {progress.num_dropped}")
    if progress.num_total is not None and fps > 0:
        num_left = max(0, progress.num_total - progress.num_done)
        parts.append(f"eta {_duration_text(num_left / fps)}")
    return " ".join(parts)


def _duration_text(seconds: float) -> str:
    whole = round(seconds)
    if whole < 120:
        return f"{whole} s"
    if whole < 7200:
        return f"{whole // 60} min"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


class _Lines:
    period_seconds = _PLAIN_SECONDS

    def __init__(self, console: Console) -> None:
        self._console = console

    def show(self, progress: Progress, text: str) -> None:
        print(text, file=self._console.file, flush=True)

    def close(self) -> None:
        pass


class _Bar:
    period_seconds = _TERMINAL_SECONDS

    def __init__(self, console: Console) -> None:
        from rich.progress import BarColumn, Progress, TextColumn  # slow: not for plain lines

        self._bar = Progress(
            BarColumn(),
            TextColumn("{task.description}"),
            console=console,
            auto_refresh=False,
            # What nodes print goes above the bar, but never from a pipe onto the terminal.
            redirect_stdout=sys.stdout is not None and sys.stdout.isatty(),
        )
        self._task = self._bar.add_task("starting", total=None)
        self._bar.start()

    def show(self, progress: Progress, text: str) -> None:
        self._bar.update(
            self._task,
            description=text,
            completed=progress.num_done,
            total=progress.num_total,
        )
        self._bar.refresh()

    def close(self) -> None:
        self._bar.stop()


def _watch(flow: Flow, view: ProgressView, has_left: threading.Event) -> None:
    speed = Speed()
    is_last = False
    try:
        while not is_last:
            is_last = has_left.wait(view.period_seconds)
            progress = flow.progress()
            fps = speed.update(progress.elapsed_seconds, progress.num_done)
            view.show(progress, progress_text(progress, fps))
    finally:
        view.close()
