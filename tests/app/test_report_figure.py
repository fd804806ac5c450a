from __future__ import annotations

import math
import sys

import pytest

from videoflow.core import AgeReport, NodeReport, Report, StreamReport
from videoflow.errors import MissingDependencyError


def node(name: str, *, num_batches: int = 0, is_bottleneck: bool = False) -> NodeReport:
    return NodeReport(
        name=name,
        worker=name,
        num_tasks=1,
        num_items=100,
        num_skipped=0,
        num_failed=0,
        num_flushed=0,
        num_batches=num_batches,
        mean_batch_size=100 / num_batches if num_batches else 1.0,
        wait_seconds=1.0,
        batch_wait_seconds=0.0,
        compute_seconds=3.0,
        share=0.75,
        is_bottleneck=is_bottleneck,
    )


def report(nodes: list[NodeReport], ages: list[AgeReport]) -> Report:
    stream = StreamReport("door", 100, 100, {}, {}, {}, 0, {})
    return Report("flow", "finished", 4.0, tuple(nodes), (stream,), tuple(ages), ())


AGE = AgeReport("show", "door", 0.02, 0.05, 0.09)
NO_AGE = AgeReport("show", "door", math.nan, math.nan, math.nan)


@pytest.mark.parametrize(
    ("nodes", "ages", "want"),
    [
        pytest.param([node("read")], [], ["seconds"], id="one-node"),
        pytest.param([node("read")], [NO_AGE], ["seconds"], id="no-frame"),
        pytest.param([node("read")], [AGE], ["seconds", "milliseconds"], id="ages"),
        pytest.param(
            [node("read"), node("model", num_batches=25, is_bottleneck=True)],
            [AGE],
            ["seconds", "milliseconds", "frames"],
            id="batches",
        ),
    ],
)
def test_draws_what_there_is(
    nodes: list[NodeReport], ages: list[AgeReport], want: list[str]
) -> None:
    """Time is always drawn, ages and batches where there are any."""
    figure = report(nodes, ages).plot()

    titles = [axes.get_title(loc="left").split()[0] for axes in figure.axes]
    assert titles == want
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == [
        one.name for one in nodes
    ]


def test_names_the_bottleneck_and_the_mean_batch() -> None:
    """The texts beside the bars tell shares of time, the slowest node, and mean batches."""
    nodes = [node("read"), node("model", num_batches=25, is_bottleneck=True)]

    figure = report(nodes, []).plot()

    texts = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert texts == ["75%", "75% bottleneck", "4.0 in 25 calls"]


def test_leaves_matplotlib_as_it_is() -> None:
    """No global state is touched: pyplot, which chooses a window system, is not imported."""
    before = "matplotlib.pyplot" in sys.modules

    report([node("read")], []).plot()

    assert ("matplotlib.pyplot" in sys.modules) == before


def test_without_matplotlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says what is to be installed."""
    monkeypatch.delitem(sys.modules, "videoflow.app.report_figure", raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)

    with pytest.raises(MissingDependencyError, match=r'pip install "videoflow\[plot\]"'):
        report([node("read")], []).plot()


def test_parts_become_tables() -> None:
    """A table has a row for each node, stream, or consumer and stream."""
    done = report([node("read"), node("model", num_batches=25)], [AGE])

    assert done.to_pandas()["name"].tolist() == ["read", "model"]
    assert done.to_pandas("streams")["num_read"].tolist() == [100]
    assert done.to_pandas("ages")["p95_seconds"].tolist() == [0.05]
