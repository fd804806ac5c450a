"""Inputs of the wrong kind are named."""

from __future__ import annotations

from types import NoneType
from typing import Any

import pytest

from videoflow.core.wanted import wanted_input
from videoflow.errors import GraphError


@pytest.mark.parametrize("value", [3, "three", None], ids=["int", "str", "none"])
def test_what_is_wanted_is_handed_on(value: object) -> None:
    """An input of one of the kinds is returned as it is."""
    assert wanted_input("add", (0, value), 1, int, str, NoneType) is value


@pytest.mark.parametrize(
    ("inputs", "got"),
    [
        pytest.param((), "nothing", id="no input"),
        pytest.param((3.5,), "float", id="another type"),
        pytest.param((None,), "NoneType", id="none"),
    ],
)
def test_what_is_not_wanted_is_refused(inputs: tuple[Any, ...], got: str) -> None:
    """The message has the node, the input, what came, what is wanted and how it is wired."""
    with pytest.raises(GraphError) as raised:
        wanted_input("add", inputs, 0, int, str, help="Adder()(numbers)")

    want = f"'add', input 0: got {got}, want int or str\n  help: Adder()(numbers)"
    assert str(raised.value) == want
