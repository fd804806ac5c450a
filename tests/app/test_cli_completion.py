"""What a shell completes."""

from __future__ import annotations

import pytest

from videoflow.app.cli import main


@pytest.mark.parametrize(
    ("line", "words"),
    [
        pytest.param("measure-", ["measure-dwell"], id="command"),
        pytest.param("run count", ["count-people"], id="config"),
        pytest.param("run flow.y", [], id="file"),
        pytest.param("models show yolox_n", ["yolox_nano"], id="model"),
        pytest.param("models check osnet hog", ["hog_walkers"], id="second-model"),
        pytest.param("count-people a.mp4 --model osn", ["osnet_retail_0248"], id="model-input"),
        pytest.param("count-people a.mp4 --mode ", ["auto", "batch", "realtime"], id="choices"),
        pytest.param("track-people a.mp4 --device cp", ["cpu"], id="device"),
        pytest.param("count-people a.mp4 --li", ["--line"], id="option"),
        pytest.param("explain x.yaml --format s", ["svg"], id="format"),
    ],
)
def test_a_shell_is_offered_what_fits(
    line: str,
    words: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Commands, options, choices, models and configs; where nothing fits, the shell's files."""
    monkeypatch.setenv("_VIDEOFLOW_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", f"videoflow {line}")
    monkeypatch.setenv("COMP_CWORD", str(len(line.split(" "))))

    main([])

    assert capsys.readouterr().out.split() == words
