from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from videoflow.app.progress import Speed, progress_text, show_progress
from videoflow.core.report import Progress


def make_progress(num_done: int, num_total: int | None, num_dropped: int = 0) -> Progress:
    return Progress(
        num_read=num_done,
        num_done=num_done,
        num_dropped=num_dropped,
        num_total=num_total,
        elapsed_seconds=4.0,
        is_running=True,
    )


@pytest.mark.parametrize(
    ("progress", "fps", "want"),
    [
        pytest.param(make_progress(0, 795), 0.0, "starting, 4 s", id="nothing-yet"),
        pytest.param(
            make_progress(240, 795), 61.2, "frames 240/795 fps 61.2 eta 9 s", id="usual"
        ),
        pytest.param(make_progress(240, None), 25.0, "frames 240 fps 25.0", id="endless"),
        pytest.param(
            make_progress(90, 100, 30),
            5.0,
            "frames 90/100 fps 5.0 dropped 30 eta 2 s",
            id="drops",
        ),
        pytest.param(
            make_progress(9, 8), 5.0, "frames 9/8 fps 5.0 eta 0 s", id="more-than-told"
        ),
        pytest.param(
            make_progress(1, 1801), 1.0, "frames 1/1801 fps 1.0 eta 30 min", id="long"
        ),
        pytest.param(
            make_progress(1, 9001), 1.0, "frames 1/9001 fps 1.0 eta 2 h 30 min", id="longer"
        ),
    ],
)
def test_tells_the_progress_in_a_line(progress: Progress, fps: float, want: str) -> None:
    """Frames, speed, drops where there are any, and an ETA where it can be known."""
    assert progress_text(progress, fps) == want


def test_speed_is_that_of_the_last_seconds() -> None:
    """A slow start does not weigh on the speed for ever; before any time there is none."""
    speed = Speed(window_seconds=2.0)

    seen = [speed.update(seconds, done) for seconds, done in [(0, 0), (2, 2), (4, 42), (6, 82)]]

    assert seen == [0.0, 1.0, 20.0, 20.0]


def test_the_speed_counts_from_when_models_are_loaded() -> None:
    """Ten seconds of loading do not make the first frames slow."""
    speed = Speed(window_seconds=20.0)

    seen = [speed.update(seconds, done) for seconds, done in [(5, 0), (10, 0), (11, 20)]]

    assert seen == [0.0, 0.0, 20.0]


class FakeFlow:
    def progress(self) -> Progress:
        return make_progress(8, 8)


def test_a_last_line_is_always_there() -> None:
    """A flow that is shorter than the pause between lines is told at its end."""
    file = io.StringIO()
    flow: Any = FakeFlow()

    with show_progress(flow, Console(file=file)):
        pass

    assert file.getvalue() == "frames 8/8 fps 2.0 eta 0 s\n"


def test_a_terminal_gets_a_bar(capsys: pytest.CaptureFixture[str]) -> None:
    """On a terminal the same text stands beside a bar; what is piped stays in its pipe."""
    file = io.StringIO()
    flow: Any = FakeFlow()

    with show_progress(flow, Console(file=file, force_terminal=True, width=100)):
        print("a result")

    assert capsys.readouterr().out == "a result\n"
    assert "frames 8/8 fps 2.0 eta 0 s" in file.getvalue()
    assert file.getvalue().endswith("\x1b[?25h")
