"""The notebooks of the examples run, and show what is stored in them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.flows.notebook import left_by, run_cells

NOTEBOOKS = sorted((Path(__file__).parent.parent / "examples").glob("*.ipynb"))
MAX_OUTPUT_BYTES = 100_000

each_notebook = pytest.mark.parametrize("path", [pytest.param(p, id=p.stem) for p in NOTEBOOKS])


def code_cells(path: Path) -> list[Any]:
    """Return the cells with code, with what is stored of their outputs."""
    v4: Any = nbformat.v4  # untyped
    return [c for c in v4.reads(path.read_text())["cells"] if c["cell_type"] == "code"]


@pytest.mark.slow
@each_notebook
def test_a_notebook_runs_and_shows_what_is_stored(path: Path, tmp_path: Path) -> None:
    """Run from top to bottom, each cell prints what is stored, and shows as much."""
    cells = code_cells(path)

    left = run_cells(["".join(cell["source"]) for cell in cells], tmp_path)

    for cell, now in zip(cells, left, strict=True):
        stored = left_by(cell)
        assert now.error == ""
        assert now.output == stored["output"]
        assert len(now.shown) == len(stored["shown"])
        for shown, before in zip(now.shown, stored["shown"], strict=True):
            assert set(before) <= set(shown)


@each_notebook
def test_a_notebook_is_small(path: Path) -> None:
    """A notebook tells a story in few cells, and no output weighs down the repository."""
    cells = code_cells(path)

    assert len(cells) <= 8
    for cell in cells:
        assert cell["execution_count"]
        assert all(len(json.dumps(output)) < MAX_OUTPUT_BYTES for output in cell["outputs"])
