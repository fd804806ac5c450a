"""What a flow did, as tables for a terminal."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from rich.console import Console

    from videoflow.core.report import NodeReport, Report, StreamReport

__all__ = ["json_of", "print_report"]


def json_of(report: Report) -> str:
    """Return all that a report says as a JSON object; what is not a number becomes null."""
    return json.dumps(_plain(asdict(report)), indent=2, allow_nan=False)


def print_report(report: Report, console: Console) -> None:
    """Print a report: coloured tables on a terminal, plain text elsewhere."""
    if not console.is_terminal:
        print(report, file=console.file, flush=True)
        return
    console.print(
        Text(
            f"flow {report.flow}: {report.ending} after {report.elapsed_seconds:.2f} s", "bold"
        )
    )
    console.print(_node_table(report.nodes))
    console.print(_stream_table(report.streams))
    for note in report.notes:
        console.print(Text(f"note: {note}"))


def _node_table(nodes: tuple[NodeReport, ...]) -> Table:
    table = Table("node", box=None, pad_edge=False)
    for title in ("items", "wait s", "batch wait s", "compute s", "batch", "share"):
        table.add_column(title, justify="right")
    table.add_column()
    for node in nodes:
        table.add_row(
            Text(node.name if node.num_tasks == 1 else f"{node.name} x {node.num_tasks}"),
            str(node.num_items),
            f"{node.wait_seconds:.2f}",
            f"{node.batch_wait_seconds:.2f}",
            f"{node.compute_seconds:.2f}",
            f"{node.mean_batch_size:.1f}" if node.num_batches else "",
            f"{node.share:.0%}",
            "<- bottleneck" if node.is_bottleneck else "",
            style="bold yellow" if node.is_bottleneck else None,
        )
    return table


def _stream_table(streams: tuple[StreamReport, ...]) -> Table:
    table = Table("stream", box=None, pad_edge=False)
    for title in ("read", "delivered", "dropped", "skipped", "failed", "flushed"):
        table.add_column(title, justify="right")
    for stream in streams:
        table.add_row(
            Text(stream.stream),
            str(stream.num_read),
            str(stream.num_delivered),
            _by_cause(stream.dropped),
            _by_cause(stream.skipped),
            _by_cause(stream.failed),
            str(stream.num_flushed),
        )
    return table


def _by_cause(counts: Mapping[str, int]) -> Text:
    total = sum(counts.values())
    causes = ", ".join(f"{cause} {count}" for cause, count in counts.items() if count)
    return Text(f"{total} ({causes})" if total else "0")


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return None if isinstance(value, float) and math.isnan(value) else value
