"""The command line with real workers: what a shell and a supervisor see."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.flows.environment import python
from tests.flows.nodes import PATIENCE_SECONDS

RUN = "import sys; from videoflow.app.cli import main; sys.exit(main())"

ENDLESS = """\
nodes:
  count: {type: IntProducer, fps: 200}
  print: {type: CommandlineConsumer, from: count}
"""

FAILING = """\
nodes:
  count: {type: IntProducer, end: 9}
  check: {type: "checks_of_mine:NoSevens", from: count}
  print: {type: CommandlineConsumer, from: check}
"""

NO_SEVENS = """\
from videoflow.core import ProcessorNode

class NoSevens(ProcessorNode):
    def process(self, number):
        if number == 7:
            raise ValueError("a seven came by")
        return number
"""


@contextmanager
def videoflow(folder: Path, config: str, *options: str) -> Iterator[subprocess.Popen[str]]:
    path = folder / "flow.yaml"
    path.write_text(config)
    with python("-c", RUN, "run", str(path), *options) as process:
        yield process


@pytest.mark.parametrize(
    ("number", "code"),
    [
        pytest.param(signal.SIGINT, 130, id="ctrl-c"),
        pytest.param(signal.SIGTERM, 143, id="sigterm"),
    ],
)
def test_a_signal_ends_the_flow_in_good_order(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    """What had entered is printed to its end, the report comes, nothing stays behind."""
    with videoflow(tmp_path, ENDLESS) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        printed = [process.stdout.readline() for _ in range(5)]
        process.send_signal(number)
        # Not communicate(): it would lose what has come together with the fifth line.
        printed += process.stdout.readlines()
        err = process.stderr.read()
        process.wait(PATIENCE_SECONDS)

    numbers = [line for line in printed if line.strip().isdigit()]
    assert process.returncode == code, err
    assert numbers == [f"{n}\n" for n in range(len(numbers))]
    assert any("flow 'flow' stopped" in line for line in printed)
    assert "Traceback" not in err


def test_a_node_that_raises_is_told_with_its_frame(tmp_path: Path) -> None:
    """The message names node and frame; the report says what became of the others."""
    (tmp_path / "checks_of_mine.py").write_text(NO_SEVENS)

    with videoflow(tmp_path, FAILING) as process:
        out, err = process.communicate(timeout=PATIENCE_SECONDS)

    assert process.returncode == 1
    assert "node 'check'" in err
    assert "frame 7: ValueError: a seven came by\n" in err
    assert "Traceback" not in err
    assert "flow 'flow' failed" in out


def test_the_traceback_comes_when_asked_for(tmp_path: Path) -> None:
    """--traceback shows the line of the node's own code."""
    (tmp_path / "checks_of_mine.py").write_text(NO_SEVENS)

    with videoflow(tmp_path, FAILING, "--traceback", "--quiet") as process:
        out, err = process.communicate(timeout=PATIENCE_SECONDS)

    assert process.returncode == 1
    assert err.count('raise ValueError("a seven came by")') == 1
    assert "flow" not in out
