"""The benchmark for GPUs runs from end to end, on whatever machine this is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.slow
@pytest.mark.usefixtures("weights")
def test_every_part_runs_on_a_cpu() -> None:
    """Small, but all of it: figures from each part, and a word on why there is no NVDEC."""
    answer = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "gpu.py"), "--smoke", "--device", "cpu"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert answer.returncode == 0, answer.stdout + answer.stderr
    result = json.loads(answer.stdout)
    assert result["decode"]["nvdec_skipped"] == "device='cpu' was asked for"
    assert set(result["decode"]["decode_fps"]) == set(result["flow"]["flow_fps"]) == {"1", "2"}
    assert result["model"]["best_batch"] in (1, 2)
    assert result["flow_over_limit_ratio"] > 0
    assert 0 < result["ages"]["age_p50_seconds"] <= result["ages"]["age_p99_seconds"]
    assert result["ages"]["frames_read"] == 24
    assert result["hand_over"]["slot_microseconds"] > 0
    assert result["hand_over"]["torch_queue_microseconds"] > 0
    assert result["loop"]["loop_fps"] > 0
    assert result["num_cores"] == len(os.sched_getaffinity(0))
    assert "gpu.py --smoke" in result["command"]
