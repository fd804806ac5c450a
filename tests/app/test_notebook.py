from __future__ import annotations

import base64
import io
import sys
from itertools import chain

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from tests.flows.nodes import Drop, Numbers
from tests.flows.notebook import Cell, run_cells
from videoflow.app.notebook import shrunk
from videoflow.core import Flow
from videoflow.errors import FlowStateError, MissingDependencyError, ShapeError

MAKE = """\
import time
from pathlib import Path
from videoflow.consumers import VoidConsumer
from videoflow.core import Flow, FunctionProcessor, ProducerNode, Streams
from videoflow.data import Frame, Stamp
from videoflow.processors import IdentityProcessor
from videoflow.producers import IntProducer

class Colours(ProducerNode):
    def __init__(self, name, layout, last, sign=None):
        super().__init__(name=name)
        self.layout, self.last, self.sign, self.index = layout, last, sign, -1
    def next(self):
        import torch
        self.index += 1
        if self.index > self.last:
            raise StopIteration
        if self.index == 40 and self.sign:
            Path(self.sign).touch()
        time.sleep(0.005)
        stamp = Stamp(self.name, self.index, self.index / 25, (64, 128))
        if self.layout == "rgb":
            pixels = torch.zeros((3, 64, 128), dtype=torch.uint8)
            pixels[0] = 200
        else:
            pixels = torch.full((96, 128), 128, dtype=torch.uint8)
        return Frame(pixels, stamp, self.layout)
"""

PICTURES = """\
red, grey = Colours("red", "rgb", 120), Colours("grey", "nv12", 120)
both = IdentityProcessor()(Streams(red, grey))
flow = Flow([red, grey], [VoidConsumer()(both)])
print(flow.preview(both).ending)
"""

NUMBERS = """\
numbers = IntProducer(0, {last}, 0.005)
flow = Flow([numbers], [VoidConsumer()(numbers)])
"""

LOOK = """
import psutil
print(psutil.Process().children(), flow.report.ending)
"""

SPY = """\
from IPython.display import DisplayHandle
told = []
update = DisplayHandle.update
def spied(self, bundle, **options):
    told.append(bundle["text/plain"])
    return update(self, bundle, **options)
DisplayHandle.update = spied
"""

CELLS = {
    "make": MAKE,
    "pictures": PICTURES + LOOK,
    "no pictures": NUMBERS.format(last=10**6) + "flow.preview(numbers)",
    "after no pictures": LOOK,
    "spy": SPY,
    "join": NUMBERS.format(last=250) + "flow.run().join();",
    "told": "print(*told, sep='\\n')",
    "join in time": NUMBERS.format(last=5) + "flow.run().join(60);",
    "report": "flow.report",
    "plot": "flow.report.plot()",
}

WATCHED = """\
def watch(number):
    if number == 50:
        Path({sign!r}).touch()
    return number

numbers = IntProducer(0, {last}, 0.002)
watched = FunctionProcessor(watch)(numbers)
flow = Flow([numbers], [VoidConsumer()(watched)])
"""

WATCHED_PICTURES = """\
colours = Colours("red", "rgb", {last}, {sign!r})
flow = Flow([colours], [VoidConsumer()(colours)])
"""

WAITS = {
    "preview": (WATCHED_PICTURES, "flow.preview(colours)"),
    "join": (WATCHED, "flow.run().join()"),
    "loop": (WATCHED, "for _ in flow.stream(watched):\n    pass"),
    "body of a loop": (WATCHED, "for _ in flow.stream(numbers):\n    while True: pass"),
    "beside": (WATCHED, "flow.run()\nwhile True: pass"),
}


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Cell]:
    """Run ``CELLS`` in one kernel, since it is slow to start."""
    left = run_cells(list(CELLS.values()), tmp_path_factory.mktemp("cells"))
    return dict(zip(CELLS, left, strict=True))


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Cell, ...]]:
    """Interrupt a cell at each of ``WAITS``, look what is left, and run the flow again."""
    folder = tmp_path_factory.mktemp("interrupted")
    sign = folder / "interrupt me"
    rows = [
        (
            make.format(last=10**6, sign=str(sign)) + wait,
            LOOK,
            make.format(last=30, sign=str(sign)) + wait.replace("while True: pass", "pass"),
        )
        for make, wait in WAITS.values()
    ]
    # The later cell itself says when: a sign from the flow may come before the cell begins.
    start = NUMBERS.format(last=10**6) + "_ = flow.run()"
    wait = f"Path({str(sign)!r}).touch()\nwhile True: pass"
    rows.append((start, wait, "print(flow.is_running)\nflow.stop()\nflow.join(60);"))

    left = run_cells([MAKE, *chain(*rows)], folder, interrupt_at=sign)[1:]

    return dict(zip([*WAITS, "later"], zip(*[iter(left)] * 3, strict=True), strict=True))


@pytest.mark.parametrize(
    ("stream", "want"),
    [pytest.param("red", (200, 0, 0), id="rgb"), pytest.param("grey", (130,) * 3, id="nv12")],
)
def test_a_preview_shows_the_newest_frame_of_each_stream(
    stream: str, want: tuple[int, int, int], cells: dict[str, Cell]
) -> None:
    """A cell keeps one picture of each stream, the last, in its colours."""
    shown = cells["pictures"].shown
    (last,) = [one for one in shown if one["text/plain"].startswith(f"Frame({stream!r}")]

    assert "index=120" in last["text/plain"]
    assert np.abs(np.subtract(picture(last["image/jpeg"])[32, 64], want)).max() <= 4


def test_a_preview_ends_with_its_flow(cells: dict[str, Cell]) -> None:
    """At the end nothing runs, the bar is full, and nothing else has been shown."""
    cell = cells["pictures"]

    (bar,) = [shown["text/plain"] for shown in cell.shown if "image/jpeg" not in shown]
    assert (cell.output, cell.error) == ("finished\n[] finished\n", "")
    assert bar.startswith("frames 242 ")
    assert len(cell.shown) == 3


def test_a_preview_of_no_pictures_says_what_it_wants(cells: dict[str, Cell]) -> None:
    """A node that puts out something else is refused, and its flow ends."""
    assert cells["no pictures"].error == "ShapeError"
    assert cells["after no pictures"].output == "[] stopped\n"


def test_a_preview_outside_a_notebook_says_what_to_do() -> None:
    """In a script nothing starts; the message names what there is for scripts."""
    numbers = Numbers(3)
    flow = Flow([numbers], [Drop()(numbers)])

    with pytest.raises(FlowStateError, match=r"there is none here\n.*flow.stream\(node\)"):
        flow.preview(numbers)


def test_a_preview_without_ipython_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says what is to be installed."""
    monkeypatch.setitem(sys.modules, "IPython", None)
    numbers = Numbers(3)
    flow = Flow([numbers], [Drop()(numbers)])

    with pytest.raises(MissingDependencyError, match=r'pip install "videoflow\[notebook\]"'):
        flow.preview(numbers)


def test_a_preview_has_a_width() -> None:
    """A picture without a width is refused."""
    numbers = Numbers(3)

    with pytest.raises(ShapeError, match="width_px=0"):
        Flow([numbers], [Drop()(numbers)]).preview(numbers, width_px=0)


@pytest.mark.parametrize("wait", WAITS)
def test_an_interrupted_cell_ends_its_flow(
    wait: str, interrupted: dict[str, tuple[Cell, ...]]
) -> None:
    """Wherever the stop button finds a cell, its flow ends, no worker stays, it runs again."""
    cell, after, again = interrupted[wait]

    assert (cell.output, cell.error) == ("", "KeyboardInterrupt")
    assert (after.output, after.error) == ("[] stopped\n", "")
    assert (again.output, again.error) == ("", "")


def test_an_interrupt_ends_only_the_flows_of_its_cell(
    interrupted: dict[str, tuple[Cell, ...]],
) -> None:
    """A flow that an earlier cell left running runs on when a later one is interrupted."""
    started, cell, after = interrupted["later"]

    assert (started.error, cell.error) == ("", "KeyboardInterrupt")
    assert (after.output, after.error) == ("True\n", "")


def picture(data: str) -> NDArray[np.uint8]:
    """Return the picture of a display."""
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))


def test_join_shows_a_bar_that_redraws(cells: dict[str, Cell]) -> None:
    """While a cell waits for its flow a bar counts, in one place."""
    lines = cells["told"].output.splitlines()

    (bar,) = cells["join"].shown
    assert len(lines) >= 2
    assert all(line.startswith("frames ") for line in lines)
    assert bar["text/plain"] == lines[-1]
    assert "frames 251/251" in bar["text/plain"]
    assert "<progress" in bar["text/html"]


def test_join_with_a_timeout_is_quiet(cells: dict[str, Cell]) -> None:
    """Who asks again and again gets no bar for each time."""
    assert cells["join in time"].shown == []


def test_a_report_is_a_table(cells: dict[str, Cell]) -> None:
    """A cell that ends with a report shows its table."""
    assert cells["report"].shown[0]["text/plain"].startswith("flow 'flow' finished after ")


def test_a_plot_is_a_picture(cells: dict[str, Cell]) -> None:
    """A cell that ends with a plot shows it, once."""
    (shown,) = cells["plot"].shown

    assert picture(shown["image/png"]).shape[1] > 500


@pytest.mark.parametrize(
    ("size_hw", "want_hw"),
    [
        pytest.param((1, 1), (1, 1), id="one-pixel"),
        pytest.param((40, 60), (40, 60), id="narrow"),
        pytest.param((100, 200), (50, 100), id="wide"),
        pytest.param((300, 200), (150, 100), id="upright"),
        pytest.param((1, 999), (1, 100), id="flat"),
    ],
)
def test_a_picture_is_shrunk_in_its_proportions(
    size_hw: tuple[int, int], want_hw: tuple[int, int]
) -> None:
    """A wide picture becomes as wide as allowed, and keeps its colours."""
    rgb = torch.full((3, *size_hw), 200, dtype=torch.uint8)

    small = shrunk(rgb, 100)

    assert torch.equal(small, torch.full((3, *want_hw), 200, dtype=torch.uint8))
