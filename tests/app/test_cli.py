"""What the command line prints, where, and with which exit code it leaves."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from videoflow.app.cli import main
from videoflow.app.config import FlowConfig
from videoflow.core.report import Progress
from videoflow.errors import GraphError, NodeError

CONFIG = (
    "inputs: {last: {help: the last number}}\n"
    "nodes:\n  count: {type: IntProducer, end: '${last}'}\n"
    "  end: {type: VoidConsumer, from: count}\n"
)


class FakeFlow:
    """A flow that does in join() what a test tells it."""

    is_running = False
    report = "the report"

    def __init__(self, join: Callable[[], Any]) -> None:
        self._join = join
        self.num_stops = 0
        self.placement: str | None = None

    def run(self) -> FakeFlow:
        return self

    def join(self) -> None:
        self._join()

    def stop(self) -> None:
        self.num_stops += 1

    def explain(self) -> str:
        return "the plan"

    def draw(self, form: str = "text") -> str:
        return f"the drawing as {form}"

    def progress(self) -> Progress:
        return Progress(
            num_read=4,
            num_done=3,
            num_dropped=1,
            num_total=4,
            elapsed_seconds=2.0,
            is_running=True,
        )


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "flow.yaml"
    path.write_text(CONFIG)
    return str(path)


def with_flow(monkeypatch: pytest.MonkeyPatch, join: Callable[[], Any]) -> FakeFlow:
    flow = FakeFlow(join)

    def build(_config: FlowConfig, *, placement: str | None = None) -> FakeFlow:
        flow.placement = placement
        return flow

    monkeypatch.setattr(FlowConfig, "build", build)
    return flow


def test_says_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    """--version is one line on standard output."""
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("videoflow 0.")


def test_reports_on_stdout_and_progresses_on_stderr(
    config: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where no terminal is, the report is plain text and the progress plain lines."""
    flow = with_flow(monkeypatch, lambda: None)

    code = main(["run", config, "--set", "last=4", "--placement", "fused"])

    seen = capsys.readouterr()
    assert (code, flow.placement) == (0, "fused")
    assert seen.out == "the report\n"
    assert seen.err == "frames 3/4 fps 1.5 dropped 1 eta 1 s\n"


def test_is_quiet_when_told(
    config: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """--quiet prints nothing but errors."""
    with_flow(monkeypatch, lambda: None)

    assert main(["run", config, "--set", "last=4", "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")


def test_explains_without_starting(
    config: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A drawing and the plan are printed, or a drawing alone, and nothing is run."""
    with_flow(monkeypatch, lambda: None)

    assert main(["explain", config, "4"]) == 0
    assert capsys.readouterr().out == "the drawing as text\n\nthe plan\n"
    assert main(["explain", config, "--set", "last=4", "--format", "svg"]) == 0
    assert capsys.readouterr().out == "the drawing as svg\n"


def test_explains_for_programs(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    """--json tells nodes, where they run and what they wait for, and the streams."""
    assert main(["explain", config, "4", "--json"]) == 0

    plan = json.loads(capsys.readouterr().out)
    assert (plan["flow"], plan["type"], plan["notes"]) == ("flow", "batch", [])
    assert [(node["name"], node["type"], node["from"]) for node in plan["nodes"]] == [
        ("count", "IntProducer", []),
        ("end", "VoidConsumer", ["count"]),
    ]
    assert {worker for node in plan["nodes"] for worker in node["workers"]} == set(
        range(plan["num_workers"])
    )
    assert [(s["name"], s["from"], s["num_items"]) for s in plan["streams"]] == [
        ("count", "count", 5)
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["--set", "last"], "error: --set: got 'last', want name=value", id="set"),
        pytest.param([], "got no value for 'last', want: the last number", id="missing"),
        pytest.param(["--set", "last=x"], "got last=x, want int or null", id="type"),
    ],
)
def test_wrong_input_is_told_without_a_traceback(
    config: str, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is wrong before the start ends with code 2 and one message."""
    assert main(["run", config, *arguments]) == 2

    seen = capsys.readouterr()
    assert message in seen.err
    assert "Traceback" not in seen.err
    assert seen.out == ""


def test_a_shipped_config_is_known_by_name(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A bare name means a config that comes with Videoflow; a misspelt one is answered."""
    monkeypatch.chdir(tmp_path)

    assert main(["run", "count_people.yml"]) == 2
    assert "$.inputs.source: got no value for 'source', want: a" in capsys.readouterr().err
    assert main(["run", "count_peple"]) == 2
    assert "did you mean 'count-people'?" in capsys.readouterr().err
    assert main(["run", "nowhere/flow.yaml"]) == 2
    assert "nowhere/flow.yaml: no such file" in capsys.readouterr().err


def test_a_path_that_is_there_wins(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A file of the same name in the current folder is taken instead of the shipped one."""
    monkeypatch.chdir(tmp_path)
    Path("count_people.yaml").write_text("nodes: []")

    assert main(["run", "count_people.yaml"]) == 2
    assert (
        "error: count_people.yaml:1, $.nodes: got [], want a mapping" in capsys.readouterr().err
    )


@pytest.mark.parametrize(
    ("arguments", "shows_traceback"),
    [pytest.param([], False, id="plain"), pytest.param(["--traceback"], True, id="traceback")],
)
def test_a_failed_flow_is_told_with_its_frame(
    config: str,
    arguments: list[str],
    shows_traceback: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A node's error ends with report and code 1; its traceback comes only when asked for."""
    error = NodeError(
        "node 'x', frame 7: boom", node="x", worker="w", remote_traceback="File a"
    )
    error.add_note("stream: door")

    def fail() -> None:
        raise error

    with_flow(monkeypatch, fail)

    assert main(["run", config, "--set", "last=4", *arguments]) == 1
    seen = capsys.readouterr()
    assert seen.out == "the report\n"
    assert "error: node 'x', frame 7: boom\n  stream: door\n" in seen.err
    assert ("File a" in seen.err) == shows_traceback


def test_a_flow_that_does_not_start_is_wrong_input(
    config: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What run() refuses has started nothing: code 2."""
    flow = with_flow(monkeypatch, lambda: None)

    def refuse() -> None:
        raise GraphError("no such folder", help="make it")

    monkeypatch.setattr(flow, "run", refuse)

    assert main(["run", config, "--set", "last=4"]) == 2
    assert capsys.readouterr().err == "error: no such folder\n  help: make it\n"


def test_ctrl_c_leaves_with_130(
    config: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An interrupt is no error, and is seen in the exit code."""

    def interrupt() -> None:
        raise KeyboardInterrupt

    with_flow(monkeypatch, interrupt)

    assert main(["run", config, "--set", "last=4"]) == 130
    assert capsys.readouterr().err.endswith("stopped by Ctrl-C\n")


def test_sigterm_stops_in_good_order(
    config: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """SIGTERM stops the flow, reports what it did, and leaves with 143."""

    def be_told_to_end() -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    flow = with_flow(monkeypatch, be_told_to_end)
    before = signal.getsignal(signal.SIGTERM)

    assert main(["run", config, "--set", "last=4"]) == 143
    assert flow.num_stops == 1
    assert capsys.readouterr().out == "the report\n"
    assert signal.getsignal(signal.SIGTERM) is before
