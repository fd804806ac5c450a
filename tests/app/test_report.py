from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any

from rich.console import Console

from videoflow.app.report import print_report


class FakeReport(SimpleNamespace):
    def __str__(self) -> str:
        return "the plain report"


def make_report() -> Any:
    node = {
        "worker": "w",
        "num_items": 795,
        "wait_seconds": 1.0,
        "batch_wait_seconds": 0.25,
        "compute_seconds": 11.5,
        "mean_batch_size": 7.96,
    }
    return FakeReport(
        flow="count-people",
        ending="finished",
        elapsed_seconds=12.5,
        nodes=(
            SimpleNamespace(**node, name="detect", num_tasks=2, share=0.92, is_bottleneck=True),
            SimpleNamespace(**node, name="track", num_tasks=1, share=0.1, is_bottleneck=False),
        ),
        streams=(
            SimpleNamespace(
                stream="door[1]",
                num_read=795,
                num_delivered=790,
                num_skipped=0,
                num_flushed=2,
                dropped={"late": 3, "stale": 0},
                failed={},
            ),
        ),
        notes=("no [GPU] here",),
    )


def test_a_pipe_gets_plain_text() -> None:
    """Where no terminal is, the report is its own text."""
    file = io.StringIO()

    print_report(make_report(), Console(file=file))

    assert file.getvalue() == "the plain report\n"


def test_a_terminal_gets_tables_with_the_bottleneck_marked() -> None:
    """A row for each node and stream; square brackets in a name are text."""
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=120, color_system=None)

    print_report(make_report(), console)

    lines = [" ".join(line.split()) for line in file.getvalue().splitlines()]
    assert lines == [
        "flow count-people: finished after 12.50 s",
        "node items wait s batch wait s compute s batch share",
        "detect x 2 795 1.00 0.25 11.50 8.0 92% <- bottleneck",
        "track 795 1.00 0.25 11.50 8.0 10%",
        "stream read delivered dropped skipped failed flushed",
        "door[1] 795 790 3 (late 3) 0 0 2",
        "note: no [GPU] here",
    ]
