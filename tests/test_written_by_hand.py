"""What docs/written-by-hand.md names is in the repository, and its figures are the results'."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "written-by-hand.md").read_text()
RESULTS = ROOT / "benchmarks" / "results"


def rows() -> list[list[str]]:
    """Return the cells of all rows with five of them, but the heads."""
    cells = [line.strip("|").split("|") for line in PAGE.splitlines() if line[:2] == "| "]
    found = [[cell.strip() for cell in row] for row in cells if len(row) == 5]
    return [row for row in found if row[0] != "what"]


@pytest.mark.parametrize("row", [pytest.param(row, id=row[0]) for row in rows()])
def test_a_row_names_files_a_library_and_a_reason(row: list[str]) -> None:
    """Whoever asks why this is not a library's finds the files, and an answer."""
    _, files, library, reason, _ = row
    named = re.findall(r"`([\w/.]+)`", files)

    assert named
    assert [name for name in named if not (ROOT / name).is_file()] == []
    assert library
    assert reason


def test_every_file_that_the_page_names_is_there() -> None:
    """A path in a reason or in the text leads somewhere."""
    named = set(re.findall(r"(?:videoflow|benchmarks|tests)/[\w/.-]+\.(?:py|json)", PAGE))

    assert named
    assert {name for name in named if not (ROOT / name).is_file()} == set()


def test_the_figures_are_those_of_the_result() -> None:
    """The table of what is faster elsewhere says what the benchmark wrote."""
    result = RESULTS / "by_hand-1-thread-cpu-2-cores.json"
    ms = json.loads(result.read_text())["ms_per_frame"]
    queues = ms.pop("between_processes")
    table = PAGE.partition("## Where the library is faster")[2].partition("\nSo on")[0]
    (sentence,) = re.findall(r"A 1080p frame takes .*?;", PAGE)

    told = set(re.findall(r"(?<![\w.])\d+\.\d(?![\w.])", table))
    assert {f"{value:.1f}" for case in ms.values() for value in case.values()} <= told
    assert [f"{value:.1f}" for value in queues.values()] == re.findall(r"\d+\.\d", sentence)
