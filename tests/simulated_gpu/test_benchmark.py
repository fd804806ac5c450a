"""The benchmark for GPUs runs to its end; its figures mean nothing here."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.simulated_gpu.conftest import Run


@pytest.mark.slow
@pytest.mark.usefixtures("weights")
def test_every_part_of_the_benchmark_runs(
    run_python: Run, test_data: Path, tmp_path: Path
) -> None:
    """No part fails, and all work is on the simulated GPU."""
    found = tmp_path / "gpu.json"

    done = run_python(
        *("benchmarks/gpu.py", "--smoke", "--json", str(found)),
        *("--source", str(test_data / "video" / "vtest_h264.mp4"), "--device", "cuda"),
        SIMULATED_GPU_DELAY_US="50",
    )

    assert done.returncode == 0, done.stdout[-4000:]
    parts = {
        name: part for name, part in json.loads(found.read_text()).items() if _is_part(part)
    }
    assert set(parts) == {"decode", "model", "flow", "hand_over", "loop", "ages"}
    assert not [name for name, part in parts.items() if "error" in part]
    assert parts["ages"]["frames_delivered"] > 0


def _is_part(value: object) -> bool:
    return isinstance(value, dict)
