"""The simulated GPU for tests: built once, and used by Pythons of its own."""

from __future__ import annotations

import faulthandler
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import pytest

from tests.simulated_gpu.build import ROOT, build_driver, environment, why_not

# Only Pythons with the simulated driver can import these.
collect_ignore = [
    "capture_cases.py",
    "computing.py",
    "decoding.py",
    "encoding.py",
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
    """Return what runs a Python that has simulated GPUs; see ``run_with``."""
    return partial(run_with, driver, tmp_path)


def run_with(
    driver: Path,
    folder: Path,
    *arguments: str,
    num_gpus: int = 1,
    without: Sequence[str] = (),
    **variables: str,
) -> subprocess.CompletedProcess[str]:
    """Run a Python that has simulated GPUs.

    Args:
        driver: The folder with the driver's libraries.
        folder: For what belongs to this run.
        *arguments: Python's.
        num_gpus: How many GPUs there are.
        without: Libraries of the driver that are not there.
        **variables: Of the environment.
    """
    faulthandler.cancel_dump_traceback_later()  # what runs inside watches its own time
    if without:
        driver = shutil.copytree(driver, folder / "driver", ignore=lambda *_: without)
    return subprocess.run(
        [sys.executable, *arguments],
        env=os.environ | environment(driver, folder / "book", num_gpus=num_gpus) | variables,
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=280,
    )
