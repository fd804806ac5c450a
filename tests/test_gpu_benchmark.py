"""The benchmark for GPUs runs from end to end, on whatever machine this is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def run_benchmark(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "gpu.py"), "--smoke", *options],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.usefixtures("weights")
def test_every_part_runs_on_a_cpu(tmp_path: Path) -> None:
    """Small, but all of it: figures from each part, and a word on why there is no NVDEC."""
    answer = run_benchmark("--device", "cpu", "--json", str(tmp_path / "gpu.json"))

    assert answer.returncode == 0, answer.stdout + answer.stderr
    result = json.loads(answer.stdout)
    assert result == json.loads((tmp_path / "gpu.json").read_text())
    assert result["decode"]["nvdec_skipped"] == "device='cpu' was asked for"
    assert set(result["decode"]["decode_fps"]) == set(result["flow"]["flow_fps"]) == {"1", "2"}
    assert result["model"]["best_batch"] in (1, 2)
    assert result["flow_over_limit_ratio"] > 0
    assert result["flow_over_loop_ratio"] > 0
    assert 0 < result["ages"]["age_p50_seconds"] <= result["ages"]["age_p99_seconds"]
    assert result["ages"]["frames_read"] == 24
    assert result["hand_over"]["slot_microseconds"] > 0
    assert result["hand_over"]["torch_queue_microseconds"] > 0
    assert result["loop"]["loop_fps"] > 0
    assert result["num_cores"] == len(os.sched_getaffinity(0))
    assert "gpu.py --smoke" in result["command"]


@pytest.mark.usefixtures("weights")
def test_a_part_that_fails_does_not_take_the_others_along(tmp_path: Path) -> None:
    """What was measured is in the file; what was not says why, and the exit code tells."""
    path = tmp_path / "gpu.json"
    options = ("--json", str(path), "--parts", "model", "decode")

    answer = run_benchmark("--device", "cpu", "--clip", str(tmp_path / "none.mp4"), *options)

    assert answer.returncode == 1
    result = json.loads(path.read_text())
    assert result["model"]["model_fps"]["1"] > 0
    assert "error" not in result["model"]
    assert "none.mp4" in " ".join(result["decode"]["error"])
    assert result["flow_over_limit_ratio"] is result["flow_over_loop_ratio"] is None


def test_without_time_the_result_says_so(tmp_path: Path) -> None:
    """A budget that is used up ends the run and not the result."""
    clip = tmp_path / "none.mp4"

    answer = run_benchmark("--device", "cpu", "--clip", str(clip), "--budget-seconds", "0")

    assert answer.returncode == 1
    result = json.loads(answer.stdout)
    assert result["decode"] == result["ages"] == {"error": "no time was left"}
