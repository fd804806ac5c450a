"""Whatever the graph, the mode and the placement: the results are those of plain evaluation."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.flows.random_graphs import FlowSpec, build, evaluate, flow_specs
from videoflow.core import Report

PLACEMENTS = ["process", "fused", "auto"]
relaxed = settings(
    deadline=None,
    max_examples=int(os.environ.get("VIDEOFLOW_RANDOM_GRAPHS", "12")),  # of each kind
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.mark.parametrize("placement", PLACEMENTS)
@relaxed
@given(spec=flow_specs(may_pair=True))
def test_batch_equals_plain_evaluation(placement: str, spec: FlowSpec) -> None:
    """In batch mode each consumer gets, per stream, exactly what plain evaluation gives."""
    with tempfile.TemporaryDirectory() as folder:
        flow = build(spec, Path(folder), flow_type="batch", placement=placement)

        report = flow.run().join(60)

        for number, lanes in enumerate(evaluate(spec)):
            got = read(Path(folder), number)
            assert sorted(got) == sorted(row for rows in lanes.values() for row in rows)
            for rows in lanes.values():
                assert is_subsequence(rows, got)
    assert_ledger_adds_up(report)
    assert all(s.num_dropped == 0 for s in report.streams)


@pytest.mark.parametrize("placement", PLACEMENTS)
@relaxed
@given(spec=flow_specs(may_pair=False), pause=st.sampled_from([0.0, 0.0005]))
def test_realtime_delivers_an_ordered_part(
    placement: str, spec: FlowSpec, pause: float
) -> None:
    """In realtime what is delivered is in order, and the ledger explains the rest."""
    with tempfile.TemporaryDirectory() as folder:
        flow = build(
            spec, Path(folder), flow_type="realtime", placement=placement, pause_seconds=pause
        )

        report = flow.run().join(60)

        is_exact = all(s.num_dropped == 0 for s in report.streams)
        for number, lanes in enumerate(evaluate(spec)):
            got = read(Path(folder), number)
            if is_exact:
                assert sorted(got) == sorted(row for rows in lanes.values() for row in rows)
    assert_ledger_adds_up(report)


def read(folder: Path, number: int) -> list[Any]:
    rows: list[Any] = json.loads((folder / f"{number}.json").read_text())
    return rows


def is_subsequence(part: list[Any], whole: list[Any]) -> bool:
    """Say whether ``part`` stands in ``whole`` in order, with anything between."""
    rest = iter(whole)
    return all(any(one == other for other in rest) for one in part)


def assert_ledger_adds_up(report: Report) -> None:
    for stream in report.streams:
        parts = stream.num_delivered + stream.num_skipped
        assert stream.num_read == parts + stream.num_dropped + stream.num_failed, stream
    assert report.ending == "finished"
