"""What a flow says about itself: progress while it runs, and a report at its end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from videoflow.core.node import Ending

if TYPE_CHECKING:
    from videoflow.app.report_figure import ReportFigure
    from videoflow.data.tables import DataFrame

__all__ = ["AgeReport", "NodeReport", "Progress", "Report", "StreamReport"]


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a flow is.

    Attributes:
        num_read: Frames that its sources have read.
        num_done: Frames whose way has ended, whatever became of them.
        num_dropped: Frames that were dropped.
        num_total: Frames that will come, or None where a source does not know.
        elapsed_seconds: Since the flow started.
        is_running: False when it has ended.
    """

    num_read: int
    num_done: int
    num_dropped: int
    num_total: int | None
    elapsed_seconds: float
    is_running: bool


@dataclass(frozen=True, slots=True)
class NodeReport:
    """How one node spent the flow's time.

    Attributes:
        name: The node.
        worker: The worker that hosted it (the first, if there were several).
        num_tasks: Workers that shared its frames.
        num_items: Items that went through it.
        num_skipped: Items for which it returned ``SKIP``.
        num_failed: Items at which it raised.
        num_flushed: Items that it emitted at the end.
        num_batches: Calls, for a batch node.
        mean_batch_size: Items in a call; 1 for other nodes.
        wait_seconds: How long its workers had nothing to do.
        batch_wait_seconds: How long its items waited for their batch, summed.
        compute_seconds: How long its own code ran, summed over tasks.
        share: Compute time of a task as a part of the flow's elapsed time, 0 to 1.
        is_bottleneck: True for the node with the greatest share.
    """

    name: str
    worker: str
    num_tasks: int
    num_items: int
    num_skipped: int
    num_failed: int
    num_flushed: int
    num_batches: int
    mean_batch_size: float
    wait_seconds: float
    batch_wait_seconds: float
    compute_seconds: float
    share: float
    is_bottleneck: bool


@dataclass(frozen=True, slots=True)
class StreamReport:
    """The ledger of one stream: every frame read ended in exactly one way.

    ``num_read = num_delivered + num_skipped + num_dropped + num_failed``.

    Attributes:
        stream: Name of the stream.
        num_read: Frames that the source read.
        num_delivered: Frames that at least one consumer got and that nothing dropped.
        skipped: Cause to frames that no consumer got because a node skipped them.
        dropped: Cause to frames that were too late.
        failed: Cause to frames that were lost to an error or a killed worker.
        num_flushed: Items beyond the frames that nodes emitted at the end and consumers got.
        consumers: Consumer to what became of the frames there.
    """

    stream: str
    num_read: int
    num_delivered: int
    skipped: dict[str, int]
    dropped: dict[str, int]
    failed: dict[str, int]
    num_flushed: int
    consumers: dict[str, dict[str, int]]

    @property
    def num_skipped(self) -> int:
        """Frames that no consumer got because a node skipped them."""
        return sum(self.skipped.values())

    @property
    def num_dropped(self) -> int:
        """Frames that were too late."""
        return sum(self.dropped.values())

    @property
    def num_failed(self) -> int:
        """Frames that were lost to an error or a killed worker."""
        return sum(self.failed.values())


@dataclass(frozen=True, slots=True)
class AgeReport:
    """How old frames were when a consumer was done with them.

    Attributes:
        consumer: Name of the consumer.
        stream: Name of the stream.
        p50_seconds: Half of the frames were younger; NaN without frames.
        p95_seconds: As above, 95 in 100.
        p99_seconds: As above, 99 in 100.
    """

    consumer: str
    stream: str
    p50_seconds: float
    p95_seconds: float
    p99_seconds: float


@dataclass(frozen=True, slots=True)
class Report:
    """What a flow did; ``str`` shows it as a table.

    Attributes:
        flow: Name of the flow.
        ending: How it ended.
        elapsed_seconds: From its start, when all nodes were open, to its end.
        nodes: In the order of the graph.
        streams: One for each source.
        ages: One for each consumer and stream.
        notes: Remarks of nodes and of the planner.
    """

    flow: str
    ending: Ending
    elapsed_seconds: float
    nodes: tuple[NodeReport, ...]
    streams: tuple[StreamReport, ...]
    ages: tuple[AgeReport, ...] = field(repr=False)
    notes: tuple[str, ...]

    def __str__(self) -> str:
        rows: list[tuple[str, ...]] = [
            ("node", "items", "wait s", "compute s", "batch", "share", "")
        ]
        rows += [
            (
                f"{n.name} x{n.num_tasks}" if n.num_tasks > 1 else n.name,
                str(n.num_items),
                f"{n.wait_seconds:.2f}",
                f"{n.compute_seconds:.2f}",
                f"{n.mean_batch_size:.1f}" if n.num_batches else "",
                f"{n.share:.0%}",
                "<- bottleneck" if n.is_bottleneck else "",
            )
            for n in self.nodes
        ]
        title = f"flow {self.flow!r} {self.ending} after {self.elapsed_seconds:.2f} s"
        return "\n".join([title, *_table(rows), *map(_stream_line, self.streams), *self.notes])

    def to_pandas(self, part: Literal["nodes", "streams", "ages"] = "nodes") -> DataFrame:
        """Return a part of the report as a table, with a row for each of its records.

        Raises:
            MissingDependencyError: pandas is not installed.
        """
        from videoflow.data.tables import to_pandas  # NumPy: only for who wants a table

        return to_pandas(getattr(self, part))

    def plot(self) -> ReportFigure:
        """Return a drawing of where time went, how old frames were, and what batches held.

        A figure of its own, which no global state of matplotlib knows: a notebook shows it,
        and ``savefig`` writes it.

        Raises:
            MissingDependencyError: matplotlib is not installed.
        """
        # The one door to drawings.
        from videoflow.app.report_figure import draw_report

        return draw_report(self)

    def _repr_pretty_(self, printer: Any, is_cycle: bool) -> None:
        """Show the table, as ``str`` does, where IPython shows a cell's value."""
        printer.text(str(self))


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  ".join(
            cell.ljust(width) if i in (0, len(row) - 1) else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _stream_line(stream: StreamReport) -> str:
    parts = [f"{stream.num_delivered} delivered"]
    for word, causes in (
        ("skipped", stream.skipped),
        ("dropped", stream.dropped),
        ("failed", stream.failed),
    ):
        parts += [f"{count} {word} {cause}" for cause, count in causes.items()]
    if stream.num_flushed:
        parts.append(f"{stream.num_flushed} flushed")
    return f"stream {stream.stream!r}: {stream.num_read} read = {', '.join(parts)}"
