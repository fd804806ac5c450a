"""The errors that docs/quick-start.md lists are the ones that come."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.shell import furnish
from videoflow.app.cli import main
from videoflow.app.exit_codes import WRONG_INPUT

PAGE = Path(__file__).parent.parent / "docs" / "quick-start.md"
ERRORS = re.findall(r"^\| `(count-.+?)` \| `(.+?)` \|", PAGE.read_text(), re.M)


def test_the_page_has_errors() -> None:
    """The table is found."""
    assert len(ERRORS) > 5


@pytest.mark.parametrize(("typed", "said"), ERRORS, ids=[typed for typed, _ in ERRORS])
def test_who_types_that_is_told_this(
    typed: str,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    weights: Path,
) -> None:
    """The message has the words of the page and a way out, without traceback, and code 2."""
    furnish(tmp_path)
    monkeypatch.chdir(tmp_path)

    code = main(shlex.split(typed))

    told = capsys.readouterr().err
    assert code == WRONG_INPUT
    assert said in told
    assert "\n  help: " in told
    assert "Traceback" not in told
