from __future__ import annotations

import json
from pathlib import Path

import pytest

from videoflow.app.bench import describe, json_of, measure
from videoflow.app.cli import main
from videoflow.consumers import VoidConsumer
from videoflow.core import Flow
from videoflow.processors import IdentityProcessor
from videoflow.producers import IntProducer


def counting(num_items: int, seconds_per_item: float) -> Flow:
    count = IntProducer(0, num_items - 1, seconds_per_item, name="count")
    return Flow([count], [VoidConsumer(name="end")(IdentityProcessor(name="pass")(count))])


def test_a_flow_that_goes_on_is_stopped() -> None:
    """It is measured from its first item, for as long as was said, and then ends."""
    flow = counting(100_000, 0.01).run()

    measured = measure(flow, 0.5)

    assert not flow.is_running
    assert 0.4 < measured.elapsed_seconds < 2
    assert 10 < measured.num_frames < 200
    assert measured.fps == pytest.approx(measured.num_frames / measured.elapsed_seconds)
    assert [node.name for node in measured.nodes] == ["count", "pass", "end"]


def test_a_flow_that_ends_before_is_measured_to_its_end() -> None:
    """The ages are there, in their order."""
    measured = measure(counting(20, 0.01).run(), 60)

    ages = (measured.age_p50_seconds, measured.age_p95_seconds, measured.age_p99_seconds)
    assert None not in ages
    assert list(ages) == sorted(ages, key=lambda age: age or 0)
    assert 0 < measured.num_frames <= 20


def test_json_and_lines_say_the_same() -> None:
    """A program reads what people read."""
    measured = measure(counting(5, 0.01).run(), 60)

    told = json.loads(json_of(measured))

    assert f"{told['fps']:.1f} frames/s ({told['num_frames']} in" in describe(measured)
    assert [node["name"] for node in told["nodes"]] == ["count", "pass", "end"]


def test_the_command_prints_it_and_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder to write into that is not said is one that is removed afterwards."""
    monkeypatch.chdir(tmp_path)
    Path("flow.yaml").write_text(
        "inputs:\n  last: {help: the last number}\n"
        "  out: {default: written, per_stream_of: last}\n"
        "nodes:\n  count: {type: IntProducer, end: '${last}'}\n"
        "  end: {type: JsonLinesWriter, from: count, path: '${out}/numbers.jsonl'}\n"
    )

    code = main(["bench", "flow.yaml", "9", "--json"])

    assert code == 0
    assert json.loads(capsys.readouterr().out)["flow"] == "flow"
    assert [path.name for path in tmp_path.iterdir()] == ["flow.yaml"]
