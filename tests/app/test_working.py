"""What a terminal shows before a flow runs."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
import rich.console

from tests.app.test_cli_models import shelved
from videoflow.app.cli import main
from videoflow.app.working import show_working
from videoflow.nets.weights import CACHE_VARIABLE, WEIGHTS_VARIABLE


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """Let standard error be a terminal, and return what it shows."""
    shown = io.StringIO()
    console = rich.console.Console(file=shown, force_terminal=True, width=100)
    monkeypatch.setattr(rich.console, "Console", lambda **_: console)
    return shown


def test_a_terminal_shows_what_goes_on(terminal: io.StringIO) -> None:
    """Nobody looks at a screen on which nothing moves."""
    with show_working("looking around"):
        pass

    assert "looking around" in terminal.getvalue()


def test_a_download_is_shown_with_a_bar(
    terminal: io.StringIO, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever downloads inside the block, a bar with the file's name tells how far it is."""
    monkeypatch.delenv(WEIGHTS_VARIABLE, raising=False)
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))

    assert main(["models", "fetch", str(shelved(tmp_path, b"numbers"))]) == 0

    assert "yolox_nano_coco_416.onnx" in terminal.getvalue()
    assert "7/7 bytes" in terminal.getvalue()


def test_elsewhere_nothing_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """A pipe and a file get results and errors only."""
    with show_working("looking around"):
        pass

    assert capsys.readouterr() == ("", "")
