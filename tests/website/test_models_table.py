"""The table of models."""

from __future__ import annotations

import pytest

from docs.website.models_table import models_page
from videoflow.nets.shelf import model_names


@pytest.mark.parametrize("name", model_names())
def test_a_model_is_a_line(name: str) -> None:
    """Each model has a line without an empty cell."""
    (line,) = (line for line in models_page().splitlines() if line.startswith(f"| [`{name}`]"))

    assert line.count(" | ") == 5
    assert "|  |" not in line
