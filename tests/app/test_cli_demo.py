"""The first minute: drawn people are counted right, with one command and no file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from videoflow.app.cli import main
from videoflow.app.demo import Demo, DemoResult
from videoflow.data import LineTotals
from videoflow.producers import ImageProducer
from videoflow.video.probe import probe


@pytest.fixture(autouse=True)
def no_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave nothing to be found or downloaded: what the demo needs comes with the package."""
    monkeypatch.setenv("VIDEOFLOW_WEIGHTS", "")
    monkeypatch.setenv("VIDEOFLOW_CACHE", str(tmp_path / "no-cache"))
    for proxy in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(proxy, "http://127.0.0.1:9")


def test_the_demo_counts_right_and_writes_what_it_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command as it stands counts as many as there are, and ends with code 0."""
    code = main(["demo", "--out", str(tmp_path / "out"), "--json"])

    said = json.loads(capsys.readouterr().out)
    assert code == 0
    assert said["is_right"] is True
    assert said["counted"] == said["truth"] == {"in": 2, "out": 2}
    video = probe(Path(said["files"]["video"]))
    assert (video.num_frames, video.size_hw) == (200, (540, 960))
    still = ImageProducer(said["files"]["still"])
    still.open()
    assert still.next().size_hw == (540, 960)
    crossings = Path(said["files"]["crossings"]).read_text().splitlines()
    assert len(crossings) == 4


@pytest.mark.parametrize("seed", [1, 2])
def test_other_films_are_counted_right(seed: int, tmp_path: Path) -> None:
    """Films with other people, on other squares, are counted right too."""
    demo = Demo(tmp_path, seed=seed, seconds=5)

    demo.build().run().join(120)

    result = demo.result()
    assert result.counted == result.truth
    assert result.truth.into + result.truth.out_of >= 2


@pytest.fixture
def ends_with(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Let the demo run nothing, and miscount by one."""
    result = DemoResult(
        LineTotals(into=2, out_of=1),
        LineTotals(into=2, out_of=2),
        {"video": tmp_path / "a.mp4"},
    )
    monkeypatch.setattr(Demo, "build", lambda _demo: FakeFlow())
    monkeypatch.setattr(Demo, "result", lambda _demo: result)
    return tmp_path


class FakeFlow:
    def run(self) -> None:
        pass

    def join(self) -> None:
        pass


def test_a_miscount_ends_with_code_1(
    ends_with: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where counted and true differ, the command shows both and fails."""
    code = main(["demo", "--json"])

    assert code == 1
    assert json.loads(capsys.readouterr().out) == {
        "counted": {"in": 2, "out": 1},
        "truth": {"in": 2, "out": 2},
        "is_right": False,
        "files": {"video": str(ends_with / "a.mp4")},
    }


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        pytest.param(["--seconds", "2"], "want 4 <= seconds <= 120", id="too short"),
        pytest.param(["--seconds", "1e9"], "want 4 <= seconds <= 120", id="too long"),
        pytest.param(["--out", "FILE/out"], "cannot be made", id="no folder"),
    ],
)
def test_what_cannot_be_is_refused_before_the_start(
    arguments: list[str],
    problem: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Wrong input ends with code 2 and one message."""
    (tmp_path / "FILE").write_text("")

    code = main(["demo", *(word.replace("FILE", str(tmp_path / "FILE")) for word in arguments)])

    assert code == 2
    assert problem in capsys.readouterr().err
