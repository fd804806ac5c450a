"""Where the real videos are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="session")
def test_data() -> Path:
    """Return the folder of real videos; skip where there is none."""
    folder = Path(os.environ.get("VIDEOFLOW_TEST_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no test data: {folder} is not there and $VIDEOFLOW_TEST_DATA names none")
    return folder
