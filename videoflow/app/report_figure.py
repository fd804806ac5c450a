"""What a flow did, as a figure; the one door to matplotlib."""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING, Final

from videoflow.core.report import AgeReport, NodeReport, Report
from videoflow.errors import MissingDependencyError

try:
    from matplotlib.figure import Figure
except ImportError as error:
    raise MissingDependencyError(
        "a plot needs matplotlib, which is not installed", help='pip install "videoflow[plot]"'
    ) from error

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["ReportFigure", "draw_report"]

_INK: Final = "#333333"
_WORK: Final = "#4c78a8"
_BUSIEST: Final = "#e4572e"
_REST: Final = "#dfe3e8"
_WIDTH_INCHES: Final = 7.5
_ROW_INCHES: Final = 0.3
_FRAME_INCHES: Final = 0.75  # of a panel: its title, its scale


class ReportFigure(Figure):
    """Shows itself in a notebook, also where nobody has set matplotlib up."""

    def _repr_png_(self) -> bytes:
        """Return the figure as PNG."""
        file = io.BytesIO()
        self.savefig(file, format="png", dpi=90)
        return file.getvalue()


def draw_report(report: Report) -> ReportFigure:
    """Return a figure with a panel for time, one for ages and one for batches.

    Args:
        report: Of a flow that has ended.
    """
    batching = [node for node in report.nodes if node.num_batches]
    ages = [age for age in report.ages if not math.isnan(age.p50_seconds)]
    counts = [count for count in (len(report.nodes), len(ages), len(batching)) if count]
    heights = [_FRAME_INCHES + _ROW_INCHES * count for count in counts]
    figure = ReportFigure(figsize=(_WIDTH_INCHES, 0.3 + sum(heights)), layout="constrained")
    panels = iter(figure.subplots(len(heights), height_ratios=heights, squeeze=False)[:, 0])
    figure.suptitle(
        f"flow {report.flow!r}: {report.ending} after {report.elapsed_seconds:.2f} s",
        color=_INK,
        fontweight="bold",
    )
    _draw_time(next(panels), report.nodes, report.elapsed_seconds)
    if ages:
        _draw_ages(next(panels), ages)
    if batching:
        _draw_batches(next(panels), batching)
    return figure


def _draw_time(axes: Axes, nodes: tuple[NodeReport, ...], elapsed_seconds: float) -> None:
    """Draw how long each node's own code ran, a task, beside how long the flow did."""
    names = [f"{n.name} x{n.num_tasks}" if n.num_tasks > 1 else n.name for n in nodes]
    _prepare(axes, names, "seconds at work, of the flow's time")
    axes.barh(range(len(nodes)), elapsed_seconds, color=_REST, height=0.7)
    for row, node in enumerate(nodes):
        work_seconds = node.compute_seconds / node.num_tasks
        color = _BUSIEST if node.is_bottleneck else _WORK
        axes.barh(row, work_seconds, color=color, height=0.7)
        label = f"{node.share:.0%}" + (" bottleneck" if node.is_bottleneck else "")
        _label(axes, work_seconds, row, label)
    axes.set_xlim(0, 1.2 * max(elapsed_seconds, 1e-3))


def _draw_ages(axes: Axes, ages: list[AgeReport]) -> None:
    """Draw the middle age of frames as a dot, and the 95th and 99th percentile as a tail."""
    _prepare(
        axes,
        [f"{age.consumer}, {age.stream}" for age in ages],
        "milliseconds from source to consumer: median (dot), 95 % (bar), 99 % (line)",
    )
    for row, age in enumerate(ages):
        middle, most, nearly_all = (
            1000 * seconds for seconds in (age.p50_seconds, age.p95_seconds, age.p99_seconds)
        )
        axes.plot([middle, nearly_all], [row, row], color=_WORK, linewidth=1.5)
        axes.plot([middle, most], [row, row], color=_WORK, linewidth=5, alpha=0.5)
        axes.plot(middle, row, "o", color=_WORK)
        _label(axes, nearly_all, row, f"{middle:.0f} ms")
    axes.set_xlim(0, 1.15 * max(1000 * age.p99_seconds for age in ages))


def _draw_batches(axes: Axes, nodes: list[NodeReport]) -> None:
    _prepare(axes, [node.name for node in nodes], "frames in a batch, mean")
    sizes = [node.mean_batch_size for node in nodes]
    axes.barh(range(len(nodes)), sizes, color=_WORK, height=0.7)
    for row, node in enumerate(nodes):
        _label(axes, sizes[row], row, f"{sizes[row]:.1f} in {node.num_batches} calls")
    axes.set_xlim(0, 1.35 * max(sizes))


def _prepare(axes: Axes, names: list[str], title: str) -> None:
    axes.set_title(title, loc="left", fontsize=9, color=_INK)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)  # the first row is the upper one
    axes.tick_params(axis="y", length=0)
    axes.tick_params(labelsize=9, colors=_INK)
    axes.spines[["top", "right", "left"]].set_visible(False)


def _label(axes: Axes, x: float, row: int, text: str) -> None:
    axes.annotate(
        text, (x, row), (5, 0), textcoords="offset points", va="center", fontsize=8, color=_INK
    )
