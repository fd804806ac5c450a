"""The tests for GPUs pass on a simulated one: all that is asked of torch and PyNvVideoCodec."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.simulated_gpu.build import ROOT
from tests.simulated_gpu.conftest import Run

FILES = sorted(path.stem for path in (ROOT / "tests" / "gpu").glob("test_*.py"))
WITHOUT_A_SIMULATION = {"test_no_copies": "it reads what a profiler of real GPUs has seen"}
SKIPS = ("the simulated GPU does not do this", "no weights")
NO_NVENC = "no NVENC: this GPU has no encoder"
LONG = {"test_people_counting"}  # two minutes


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "num_encoders"),
    [
        pytest.param(name, 0, marks=[pytest.mark.exhaustive] if name in LONG else [], id=name)
        for name in FILES
        if name not in WITHOUT_A_SIMULATION
    ]
    + [pytest.param("test_encode", 2, id="test_encode-with-encoders")],
)
def test_tests_for_gpus_pass(
    name: str, num_encoders: int, run_python: Run, test_data: Path
) -> None:
    """What is marked ``hardware`` aside, a file of tests passes, and skips nothing else."""
    done = run_python(
        *("-m", "pytest", "-p", "no:cacheprovider", "-rs", f"tests/gpu/{name}.py"),
        num_gpus=2,
        VIDEOFLOW_REQUIRE_GPU="1",
        VIDEOFLOW_TEST_DATA=str(test_data),
        SIMULATED_GPU_DELAY_US="100",
        SIMULATED_GPU_ENCODERS=str(num_encoders),
    )

    assert done.returncode == 0, done.stdout[-6000:]
    assert re.search(r"\b[1-9]\d* passed", done.stdout), done.stdout[-2000:]
    skipped = re.findall(r"SKIPPED \[\d+\] \S+ (.*)", done.stdout)
    allowed = SKIPS if num_encoders else (*SKIPS, NO_NVENC)
    assert all(reason.startswith(allowed) for reason in skipped), skipped
