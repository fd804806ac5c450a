"""The simulated GPU for tests: built once, and used by Pythons of its own."""

from __future__ import annotations

import faulthandler
import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.simulated_gpu.build import ROOT, build_driver, environment, why_not

# Only Pythons with the simulated driver can import these.
collect_ignore = [
    "capture_cases.py",
    "computing.py",
    "decoding.py",
    "replay_cases.py",
    "startup",
]

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder with the libraries of the simulated driver; skip without a compiler."""
    reason = why_not()
    if reason:
        pytest.skip(f"no simulated GPU: {reason}")
    folder = tmp_path_factory.mktemp("driver")
    build_driver(folder)
    return folder


@pytest.fixture
def run_python(driver: Path, tmp_path: Path) -> Run:
    """Return what runs a Python that has simulated GPUs."""
    return partial(run_with, driver, tmp_path / "book")


def run_with(
    driver: Path, book: Path, *arguments: str, num_gpus: int = 1, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run a Python that has simulated GPUs; see ``environment``."""
    faulthandler.cancel_dump_traceback_later()  # what runs inside watches its own time
    return subprocess.run(
        [sys.executable, *arguments],
        env=os.environ | environment(driver, book, num_gpus=num_gpus) | variables,
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=280,
    )
