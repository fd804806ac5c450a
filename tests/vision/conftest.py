"""Where the shared test data is."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))  # for mot_scores


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder of test data, or a skip that says where it was looked for."""
    beside = Path(__file__).parents[3] / "shared" / "data"
    folder = Path(os.environ.get("VIDEOFLOW_TEST_DATA", beside))
    if not folder.is_dir():
        pytest.skip(f"no test data at {folder}: set VIDEOFLOW_TEST_DATA")
    return folder
