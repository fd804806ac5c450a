from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The shared data folder; skips where it is absent."""
    named = os.environ.get("VIDEOFLOW_TEST_DATA")
    folder = Path(named) if named else Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no test data in {folder}; name its folder in VIDEOFLOW_TEST_DATA")
    return folder


@pytest.fixture
def weights(test_data: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let models be found in the test data; skip without it."""
    folder = test_data / "weights"
    monkeypatch.setenv("VIDEOFLOW_WEIGHTS", str(folder))
    return folder


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose device is not there."""
    if item.get_closest_marker("gpu") and not torch.cuda.is_available():
        pytest.skip("this machine has no gpu")
