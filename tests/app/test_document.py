from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from videoflow.app.document import parse_scalar, read_document
from videoflow.errors import ConfigError


def test_knows_the_line_of_every_key(tmp_path: Path) -> None:
    """Keys and list items are found by their path; what is not there is told by its parent."""
    path = tmp_path / "a.yaml"
    path.write_text("# first\na:\n  b: [1,\n      2]\n")

    document = read_document(path)

    assert document.data == {"a": {"b": [1, 2]}}
    assert str(document.error(("a", "b", 1), "no")) == f"{path}:4, $.a.b[1]: no"
    assert str(document.error(("a", "c"), "no")) == f"{path}:2, $.a.c: no"


@pytest.mark.parametrize(
    ("text", "want"),
    [
        pytest.param("", None, id="empty"),
        pytest.param("no", "no", id="no-is-a-word"),
        pytest.param("true", True, id="bool"),
        pytest.param("1e3", 1000.0, id="exponent"),
        pytest.param("-8", -8, id="int"),
        pytest.param("1:30", "1:30", id="colon-is-no-number"),
        pytest.param("2020-01-01", "2020-01-01", id="date-is-a-word"),
        pytest.param("010", "010", id="leading-zero-is-a-word"),
        pytest.param("0.5", 0.5, id="float"),
        pytest.param("~", None, id="null"),
    ],
)
def test_reads_scalars_as_yaml_1_2_does(tmp_path: Path, text: str, want: Any) -> None:
    """A word in a file and a word in a --set mean the same."""
    path = tmp_path / "a.yaml"
    path.write_text(f"a: {text}")

    assert read_document(path).data == {"a": want}
    assert parse_scalar(text) == want


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("a: 1\nb: [1, 2\nc: 3\n", ":3: got ", id="open-bracket"),
        pytest.param("a: b: c\n", ":1: got mapping values are not allowed here", id="colons"),
        pytest.param("a: 1\n\na: 2\n", ":3, $.a: got the key a second time", id="twice"),
        pytest.param("a: !!python/object:os.system x\n", ":1: got could not", id="tag"),
        pytest.param("a: &a [*a]\n", ": an alias holds itself", id="circle"),
        pytest.param("? [a, b]\n: 1\n", ":1: got a key that is no word", id="key"),
        pytest.param("a: \x07\n", ": got ", id="control-character"),
    ],
)
def test_refuses_what_is_no_yaml(tmp_path: Path, text: str, message: str) -> None:
    """A broken file is told with its line."""
    path = tmp_path / "a.yaml"
    path.write_text(text)

    with pytest.raises(ConfigError) as caught:
        read_document(path)

    assert str(caught.value).startswith(f"{path}{message}")


def test_refuses_what_cannot_be_read(tmp_path: Path) -> None:
    """A file that is not there, and one that is no text, are config errors."""
    (tmp_path / "a.yaml").write_bytes(b"\xff\xfe\xff")

    with pytest.raises(ConfigError, match="not UTF-8"):
        read_document(tmp_path / "a.yaml")
    with pytest.raises(ConfigError, match="No such file"):
        read_document(tmp_path / "b.yaml")
