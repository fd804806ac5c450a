from __future__ import annotations

import io

from rich.console import Console

from videoflow.app.report import print_report
from videoflow.core.report import NodeReport, Report, StreamReport


def make_node(name: str, *, num_tasks: int, num_batches: int, share: float) -> NodeReport:
    return NodeReport(
        name=name,
        worker="w",
        num_tasks=num_tasks,
        num_items=795,
        num_skipped=0,
        num_failed=0,
        num_flushed=0,
        num_batches=num_batches,
        mean_batch_size=7.96 if num_batches else 1.0,
        wait_seconds=1.0,
        batch_wait_seconds=0.25,
        compute_seconds=11.5,
        share=share,
        is_bottleneck=share > 0.5,
    )


def make_report() -> Report:
    return Report(
        flow="count-people",
        ending="finished",
        elapsed_seconds=12.5,
        nodes=(
            make_node("detect", num_tasks=2, num_batches=100, share=0.92),
            make_node("track", num_tasks=1, num_batches=0, share=0.1),
        ),
        streams=(
            StreamReport(
                stream="door[1]",
                num_read=795,
                num_delivered=790,
                skipped={},
                dropped={"late": 3, "stale": 0},
                failed={"error": 1, "killed": 1},
                num_flushed=2,
                consumers={},
            ),
        ),
        ages=(),
        notes=("no [GPU] here",),
    )


def test_a_pipe_gets_plain_text() -> None:
    """Where no terminal is, the report is its own text."""
    file = io.StringIO()

    print_report(make_report(), Console(file=file))

    assert file.getvalue() == f"{make_report()}\n"


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
        "track 795 1.00 0.25 11.50 10%",
        "stream read delivered dropped skipped failed flushed",
        "door[1] 795 790 3 (late 3) 0 2 (error 1, killed 1) 2",
        "note: no [GPU] here",
    ]
