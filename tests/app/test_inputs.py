from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from videoflow.app.document import Document
from videoflow.app.inputs import SetText, parse_settings, substitute
from videoflow.errors import ConfigError

INPUTS = {
    "number": 8,
    "none": None,
    "list": [0, 5, 9, 5],
    "set": SetText("0,5,9,5", "set=0,5,9,5"),
}


def fill_in(value: Any) -> Any:
    return substitute(Document(Path("a.yaml"), {}, {(): 1}), value, ("x",), INPUTS)


@pytest.mark.parametrize(
    ("value", "want"),
    [
        pytest.param("", "", id="empty"),
        pytest.param("plain", "plain", id="plain"),
        pytest.param("${number}", 8, id="whole-keeps-its-type"),
        pytest.param("${none}", None, id="null"),
        pytest.param("a-${number}-${set}", "a-8-0,5,9,5", id="inside-a-text"),
        pytest.param("$${number}", "${number}", id="escaped"),
        pytest.param("cost: $5 {x}", "cost: $5 {x}", id="no-reference"),
        pytest.param("${list[0:2]}", [0, 5], id="first-of-a-list"),
        pytest.param("${list[2:]}", [9, 5], id="rest-of-a-list"),
        pytest.param("${list[7:]}", [], id="beyond-a-list"),
        pytest.param("${none[0:2]}", None, id="part-of-null"),
        pytest.param("${set[2:4]}", "9,5", id="part-of-a-setting"),
        pytest.param({"a": ["${number}", 1]}, {"a": [8, 1]}, id="nested"),
    ],
)
def test_fills_in_inputs(value: Any, want: Any) -> None:
    """Each reference becomes its input, wherever it stands."""
    assert fill_in(value) == want


@pytest.mark.parametrize(
    ("value", "message"),
    [
        pytest.param("${numbre}", "did you mean 'number'", id="unknown"),
        pytest.param("a ${numbre}", "did you mean 'number'", id="unknown-inside-a-text"),
        pytest.param("a ${none}", "is null and cannot be part of a text", id="null-in-text"),
        pytest.param("${number[0:1]}", "is 8, want a list to take a part of", id="no-list"),
    ],
)
def test_refuses_what_it_cannot_fill_in(value: str, message: str) -> None:
    """A reference to nothing is an error with the place of it."""
    with pytest.raises(ConfigError, match=message) as caught:
        fill_in(value)

    assert str(caught.value).startswith("a.yaml:1, $.x: ")


def test_settings_are_split_at_the_first_equals_sign() -> None:
    """A value may hold an equals sign; two settings of one name stay two; empty is a value."""
    settings = parse_settings(["a=1", "b=x=y", "c=", "a=2"])

    assert settings == {"a": ["1", "2"], "b": ["x=y"], "c": [""]}


@pytest.mark.parametrize("setting", ["", "a", "=1"])
def test_a_setting_needs_a_name(setting: str) -> None:
    """A text without a name before an equals sign sets nothing."""
    with pytest.raises(ConfigError, match="want name=value"):
        parse_settings([setting])
