"""The figures of docs/why.md are those of benchmarks/results."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parent.parent / "docs" / "why.md"
ROWS = [line for line in PAGE.read_text().splitlines() if line.startswith("| ")][1:]


def test_every_figure_is_one_of_the_file_that_its_row_names() -> None:
    """A number of the second column is a value of the results, as they were written."""
    file = ""
    for row in ROWS:
        _, _, told, source, _ = row.split("|")
        named = re.search(r"\((\S+\.json)\)", source)
        file = named[1] if named else file
        results = json.loads((PAGE.parent / file).read_text())
        figures = [
            float(text.replace(",", "")) for text in re.findall(r"(?<!\w)\d[\d.,]*\b", told)
        ]

        assert figures
        assert set(figures) <= set(numbers(results)), row


def numbers(results: dict[str, Any]) -> list[float]:
    """Return the numbers of a file of results."""
    return [float(value) for value in results.values() if isinstance(value, int | float)]
