"""The founding sample of the design, verbatim, wherever a user may write it."""

from __future__ import annotations

import subprocess
import sys
from itertools import accumulate
from pathlib import Path

import pytest

from tests.flows.environment import HANG_SECONDS, python_environment
from tests.flows.notebook import run_cells
from tests.quiet_clock import QuietClock

SAMPLE = """\
from videoflow.core import Flow
from videoflow.producers import IntProducer
from videoflow.processors.aggregators import SumAggregator
from videoflow.consumers import CommandlineConsumer

producer = IntProducer(0, 40, 0.01)
sum_agg = SumAggregator()(producer)
printer = CommandlineConsumer()(sum_agg)

flow = Flow([producer], [printer])
flow.run()
flow.join()
"""

SUMS = "".join(f"{number}\n" for number in accumulate(range(41)))

OWN_CLASSES = """\
from videoflow.core import Flow, OneTaskProcessorNode, ProducerNode, ConsumerNode

UNIT = "items"

class Letters(ProducerNode):
    def open(self):
        self.letters = iter("abc")
    def next(self):
        return Letter(next(self.letters))

class Letter:
    def __init__(self, text):
        self.text = text

class Joined(OneTaskProcessorNode):
    so_far = ""
    def process(self, letter):
        self.so_far += letter.text
        return Letter(self.so_far)

class Printer(ConsumerNode):
    def consume(self, letter):
        print(letter.text, len(letter.text), UNIT)

letters = Letters()
joined = Joined()(letters)
flow = Flow([letters], [Printer()(joined)], placement="process")
flow.run()
report = flow.join()
print(report.streams[0].num_delivered)
"""

OWN_CLASSES_OUTPUT = "a 1 items\nab 2 items\nabc 3 items\n3\n"


def run(
    arguments: list[str], *, typed: str | None = None, folder: Path | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        input=typed,
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
        env=python_environment(),
        cwd=folder,
        check=False,
    )


def test_runs_as_a_script_without_a_guard(tmp_path: Path) -> None:
    """A script without a ``__main__`` guard prints exactly the 41 sums, in under 1.5 s."""
    script = tmp_path / "sample.py"
    script.write_text(SAMPLE)
    seconds = []

    for _ in range(3):
        clock = QuietClock()
        done = run([str(script)], folder=tmp_path)
        seconds.append(clock.seconds())

        assert (done.returncode, done.stdout, done.stderr) == (0, SUMS, "")
        if seconds[-1] < 1.5:
            break

    assert min(seconds) < 1.5


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["-i", "-q"], id="interactive"),
        pytest.param(["-c", "import code; code.interact(banner='', exitmsg='')"], id="code"),
        pytest.param(["-"], id="standard-input"),
    ],
)
def test_runs_where_it_is_typed(arguments: list[str]) -> None:
    """Typed into an interpreter the sample prints the sums too."""
    typed = SAMPLE.replace("flow.run()\nflow.join()", "_ = flow.run(), flow.join()")

    done = run(arguments, typed=typed)

    assert done.returncode == 0
    assert done.stdout.replace(">>> ", "") == SUMS  # prompts may go there too
    assert "Error" not in done.stderr


def test_runs_with_a_module_that_is_only_in_the_folder(tmp_path: Path) -> None:
    """Nodes from a module beside the script are found by the workers."""
    (tmp_path / "my_nodes.py").write_text(
        "from videoflow.core import FunctionProcessor\ndef half(n):\n    return n // 2\n"
    )
    script = tmp_path / "sample.py"
    script.write_text(
        "from my_nodes import half\n"
        "from videoflow.core import Flow, FunctionConsumer\n"
        "from videoflow.core import FunctionProcessor, IterableProducer\n"
        "numbers = IterableProducer([2, 4])\n"
        "flow = Flow([numbers], [FunctionConsumer(print)(FunctionProcessor(half)(numbers))])\n"
        "flow.run().join()\n"
    )

    done = run([str(script)], folder=tmp_path.parent)

    assert (done.stdout, done.stderr, done.returncode) == ("1\n2\n", "", 0)


def test_classes_of_a_script_are_nodes(tmp_path: Path) -> None:
    """Nodes and items whose classes stand in an unguarded script work in other processes."""
    script = tmp_path / "own.py"
    script.write_text(OWN_CLASSES)

    done = run([str(script)], folder=tmp_path)

    assert (done.stdout, done.stderr, done.returncode) == (OWN_CLASSES_OUTPUT, "", 0)


def test_runs_in_a_notebook_cell(tmp_path: Path) -> None:
    """A cell with the sample shows the sums; so does a cell of its own for ``join``."""
    rest = SAMPLE[: SAMPLE.index("flow.run()")]

    whole, parts, run, join = run_cells(
        [SAMPLE, rest, "flow.run()", "report = flow.join()"], tmp_path
    )

    assert (whole.output, whole.error) == (SUMS, "")
    assert (parts.output, parts.error) == ("", "")
    assert (run.error, join.error) == ("", "")
    assert run.output + join.output == SUMS


def test_classes_of_a_notebook_cell_are_nodes(tmp_path: Path) -> None:
    """Nodes and items whose classes stand in a cell work, also when a cell is run again."""
    first, again = run_cells([OWN_CLASSES, OWN_CLASSES], tmp_path)

    assert (first.output, first.error) == (OWN_CLASSES_OUTPUT, "")
    assert again == first
