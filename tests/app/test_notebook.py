from __future__ import annotations

import base64
import io
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.flows.nodes import Drop, Numbers
from tests.flows.notebook import Cell, run_cells
from videoflow.core import Flow
from videoflow.errors import FlowStateError, MissingDependencyError, ShapeError

MAKE = """\
import time
from pathlib import Path
import torch
from videoflow.core import Flow, ProducerNode
from videoflow.consumers import VoidConsumer
from videoflow.data import Frame, Stamp

class Colours(ProducerNode):
    def __init__(self, last, layout="rgb", sign=None):
        super().__init__()
        self.last, self.layout, self.sign, self.index = last, layout, sign, -1
    def next(self):
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

RUN = """\
colours = Colours({arguments})
flow = Flow([colours], [VoidConsumer()(colours)])
"""

LOOK = """\
import psutil
print(psutil.Process().children(), flow.report.ending)
"""


def pixel(cell: Cell) -> tuple[int, ...]:
    """Return the middle pixel of the one picture that a cell shows."""
    (data,) = [shown["image/jpeg"] for shown in cell.shown if "image/jpeg" in shown]
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))
    return tuple(int(value) for value in picture[32, 64])


@pytest.mark.parametrize(
    ("layout", "want"),
    [pytest.param("rgb", (200, 0, 0), id="rgb"), pytest.param("nv12", (130,) * 3, id="nv12")],
)
def test_a_preview_shows_the_newest_frame(
    layout: str, want: tuple[int, int, int], tmp_path: Path
) -> None:
    """A cell keeps one picture for a stream, the last, in its colours, beside a full bar."""
    make = RUN.format(arguments=f"149, {layout!r}")

    (_, cell) = run_cells(
        [MAKE, make + "print(flow.preview(colours).ending)\n" + LOOK], tmp_path
    )

    texts = [shown["text/plain"] for shown in cell.shown]
    assert (cell.output, cell.error) == ("finished\n[] finished\n", "")
    assert np.abs(np.subtract(pixel(cell), want)).max() <= 4
    assert any("index=149" in text for text in texts)
    assert any(text.startswith("frames 150") for text in texts)


def test_a_preview_of_several_streams(tmp_path: Path) -> None:
    """Each stream has a picture of its own."""
    make = (
        "from videoflow.core import Streams\n"
        "a, b = Colours(120), Colours(120)\n"
        "both = Streams(a, b)\n"
        "from videoflow.processors import IdentityProcessor\n"
        "same = IdentityProcessor()(both)\n"
        "flow = Flow([a, b], [VoidConsumer()(same)])\n"
        "print(flow.preview(same).ending)\n"
    )

    (_, cell) = run_cells([MAKE, make], tmp_path)

    assert (cell.output, cell.error) == ("finished\n", "")
    assert sum("image/jpeg" in shown for shown in cell.shown) == 2


def test_a_preview_of_no_pictures_says_what_it_wants(tmp_path: Path) -> None:
    """A node that puts out something else is refused, and its flow ends."""
    run = (
        "from videoflow.producers import IntProducer\n"
        "numbers = IntProducer(0, 10**6, 0.001)\n"
        "flow = Flow([numbers], [VoidConsumer()(numbers)])\n"
        "flow.preview(numbers)\n"
    )

    _, cell, after = run_cells([MAKE, run, LOOK], tmp_path)

    assert cell.error == "ShapeError"
    assert after.output == "[] stopped\n"


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


@pytest.mark.parametrize(
    "wait",
    [
        pytest.param("flow.preview(colours)", id="preview"),
        pytest.param("flow.run().join()", id="join"),
        pytest.param("for _ in flow.stream(colours): pass", id="loop"),
        pytest.param(
            "for _ in flow.stream(colours):\n    while True: pass",
            id="loop-body",
        ),
        pytest.param("flow.run()\nwhile True: pass", id="beside"),
    ],
)
def test_an_interrupted_cell_ends_its_flow(wait: str, tmp_path: Path) -> None:
    """Wherever the stop button finds a cell, its flow ends, no worker stays, it runs again."""
    sign = tmp_path / "interrupt me"
    make = RUN.format(arguments=f"10**6, sign={str(sign)!r}")
    again = RUN.format(arguments="60") + "print(flow.preview(colours).ending)\n"

    _, cell, after, more = run_cells(
        [MAKE, make + wait, LOOK, again], tmp_path, interrupt_at=sign
    )

    assert (cell.output, cell.error) == ("", "KeyboardInterrupt")
    assert (after.output, after.error) == ("[] stopped\n", "")
    assert (more.output, more.error) == ("finished\n", "")


def test_an_interrupt_ends_only_the_flows_of_its_cell(tmp_path: Path) -> None:
    """A flow that an earlier cell left running runs on when a later one is interrupted."""
    sign = tmp_path / "interrupt me"
    make = RUN.format(arguments=f"10**6, sign={str(sign)!r}") + "_ = flow.run()"

    _, _, cell, after = run_cells(
        [MAKE, make, "while True: pass", "print(flow.is_running)\nflow.stop()\nflow.join(30)"],
        tmp_path,
        interrupt_at=sign,
    )

    assert cell.error == "KeyboardInterrupt"
    assert (after.output, after.error) == ("True\n", "")


def test_join_shows_a_bar_that_redraws(tmp_path: Path) -> None:
    """While a cell waits for its flow a bar counts, in one place; with a timeout it is quiet."""
    make = RUN.format(arguments="150")
    spy = (
        "from IPython.display import DisplayHandle\n"
        "told = []\n"
        "was = DisplayHandle.update\n"
        "def update(self, bundle, **options):\n"
        "    told.append(bundle['text/plain'])\n"
        "    return was(self, bundle, **options)\n"
        "DisplayHandle.update = update\n"
    )

    _, _, cell, told, quiet = run_cells(
        [
            MAKE,
            spy,
            make + "flow.run().join();",
            "print(*told, sep='\\n')",
            make + "flow.run().join(60);",
        ],
        tmp_path,
    )

    lines = told.output.splitlines()
    (bar,) = cell.shown
    assert len(lines) >= 2
    assert all(line.startswith("frames ") for line in lines)
    assert bar["text/plain"] == lines[-1]
    assert "frames 151" in bar["text/plain"]
    assert "<progress" in bar["text/html"]
    assert quiet.shown == []


def test_a_report_is_a_table_and_a_figure(tmp_path: Path) -> None:
    """A cell that ends with a report shows its table; one that ends with its plot, a picture."""
    make = RUN.format(arguments="5") + "report = flow.run().join(60)\n"

    _, table, figure = run_cells([MAKE, make + "report", "report.plot()"], tmp_path)

    assert table.shown[0]["text/plain"].startswith("flow 'flow' finished after ")
    (shown,) = figure.shown
    assert Image.open(io.BytesIO(base64.b64decode(shown["image/png"]))).width > 500
