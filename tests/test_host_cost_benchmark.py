"""The benchmark of the host's cost runs from end to end, without a GPU and without weights."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_each_worker_has_its_cost() -> None:
    """Small, but all of it: a figure for each worker, and the one that bounds the flow."""
    small = ("--streams", "2", "--nb-tasks", "1", "2", "--frames", "600", "--rounds", "1")

    answer = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "host_cost.py"), *small, "--cores", "4"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert answer.returncode == 0, answer.stdout + answer.stderr
    result = json.loads(answer.stdout)
    assert "stand-ins" in result["gpu"]
    one, two = result["cases"]
    assert [*one["fps_bound"]] == ["read0..read1", "detect", "track", "count+end"]
    assert {"track.0", "track.1", "count.0", "count.1", "end"} <= {*two["fps_bound"]}
    for case in (one, two):
        assert case["bounded_by"] in case["fps_bound"]
        assert case["flow_fps_bound"] == min(fps for fps in case["fps_bound"].values() if fps)
