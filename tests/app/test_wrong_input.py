"""What every command says about wrong words: one message with the way out, and code 2.

The messages are kept in ``snapshots/``, a file for each command, and compared as they stand;
``VIDEOFLOW_UPDATE_SNAPSHOTS=1 pytest tests/app/test_wrong_input.py`` writes them anew.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.clips import write_clip
from videoflow.app.cli import main
from videoflow.nets.shelf import shelf_folder

SNAPSHOTS = Path(__file__).parent / "snapshots"

VERBS = ("blur-faces", "count-people", "detect-people", "measure-dwell", "track-people")

# What is wrong for every command that reads video; each is a line as one would type it.
OF_VIDEO = (
    "",
    "door.mp4 --uot x",
    "door.mp4 --batch many",
    "door.mp4 --every 0",
    "door.mp4 --mode fast",
    "door.mp4 --device gpu",
    "missing.mp4",
    "text.mp4",
    "empty",
    "nothing/*.mp4",
    "door.mp4 --model yolox_nanno",
    "door.mp4 --out text.mp4",
    "door.mp4 --placement everywhere",
    "http:/half.mp4",
)
MORE = {
    "count-people": (
        "door.mp4 --line 1,2,3",
        "door.mp4 --line 5,5,5,5",
        "door.mp4 --line a,b,c,d",
    ),
    "measure-dwell": ("door.mp4 --zone 1,2,3", "door.mp4 --zone 0,0,9,0,18,0"),
    "detect-people": ("door.mp4 --min-score 2", "door.mp4 --min-score high"),
    "blur-faces": ("door.mp4 --min-score -1",),
}
LINES: dict[str, tuple[str, ...]] = {verb: OF_VIDEO + MORE.get(verb, ()) for verb in VERBS} | {
    "track-detections": (
        "",
        "det.txt",
        "missing.txt --out o.txt",
        "text.mp4 --out o.txt",
        "det.txt --out text.mp4/o.txt",
        "det.txt --out empty",
        "det.txt --out o.txt --tracker bytetracker",
        "det.txt --out o.txt --track-threshold 7",
        "det.txt --out o.txt --track-threshold high",
        "det.txt --out o.txt --max-lost-frames -1",
        "det.txt --out o.txt --first-frame 0",
        "det.txt --out o.txt --gmc missing.txt",
        "det.txt --out o.txt --traker sort",
    ),
    "run": (
        "",
        "count_peple door.mp4",
        "missing.yaml",
        "empty",
        "door.mp4",
        "count_people",
        "count_people door.mp4 --lin 3",
        "count_people --set sorce=door.mp4",
        "count_people --set source",
        "count_people --set source=door.mp4 --set line=0,0,x,9",
        "key.yaml",
        "type.yaml",
        "value.yaml",
        "parent.yaml",
        "circle.yaml",
        "syntax.yaml",
        "class.yaml",
        "loose.yaml",
    ),
    "explain": (
        "",
        "count_people",
        "count-peopel door.mp4",
        "count_people door.mp4 --format pdf",
        "count_people door.mp4 --batch 0",
        "count_people door.mp4 --placement x",
        "count_people nothing/*.mp4",
        "count_people door.mp4 --line 1",
        "key.yaml",
        "missing.yaml",
    ),
    "bench": (
        "",
        "count_people",
        "count_people door.mp4 --seconds 0",
        "count_people door.mp4 --seconds soon",
        "count_people missing.mp4",
        "count_people door.mp4 --out text.mp4",
        "count_people door.mp4 --model yolox_nanno",
        "count_people door.mp4 --bacth 8",
        "missing.yaml",
        "parent.yaml",
    ),
    "new": (
        "skript flow.py",
        "script",
        "script flow.yaml",
        "script taken.py",
        "script missing/flow.py",
        "script text.mp4/flow.py",
        "script --force flow.py",
        "config flow.json",
        "config key.yaml",
        "config missing/flow.yaml",
    ),
    "schema": (
        "--out",
        "--out empty",
        "--out missing/s.json",
        "--out text.mp4/s.json",
        "--ot s.json",
        "s.json",
    ),
    "count-peopel": ("door.mp4",),
    "models": ("shwo yolox_nano", "show", "show yolox_nanno", "fetch yolox_nanno"),
    "eval": (
        "mott",
        "mot --gt missing.txt --tracks det.txt",
        "mot --gt det.txt",
        "mot --gt text.mp4 --tracks det.txt",
        "mot --gt det.txt --tracks det.txt --classes people",
        "mot --gt det.txt --tracks det.txt --first-frame one",
    ),
    "doctor": ("--jsno", "now"),
}

READ = "nodes:\n  read: {type: VideoFileReader, path: door.mp4}\n"
END = "  end: {type: VoidConsumer, from: read}\n"
CONFIGS = {
    "key": READ.replace("path", "pth") + END,
    "type": READ.replace("VideoFileReader", "VideoFileRaeder") + END,
    "value": READ.replace("}", ", loop: 'yes'}") + END,
    "parent": READ + END.replace("read}", "raed}"),
    "circle": READ + "  a: {type: IdentityProcessor, from: a}\n" + END,
    "syntax": READ + "  end: {type: [VoidConsumer\n",
    "class": READ.replace("VideoFileReader", "nowhere.to_be:Found") + END,
    "loose": READ + "  a: {type: IdentityProcessor, from: read}\n" + END,
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with a video, and with all that is none, as the current one."""
    write_clip(tmp_path / "door.mp4", num_frames=4, size_hw=(96, 128))
    (tmp_path / "text.mp4").write_text("no video\n")
    (tmp_path / "empty").mkdir()
    (tmp_path / "det.txt").write_text("1,-1,10,10,20,40,0.9\n")
    (tmp_path / "taken.py").write_text("")
    for name, text in CONFIGS.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def plain(text: str, folder: Path) -> str:
    """Leave out of a message where this machine keeps things and how much there is by now."""
    text = text.replace(str(folder), "HERE")
    text = text.replace(str(shelf_folder("configs")), "CONFIGS")
    return re.sub(r"one of the \d+ ", "one of the N ", text)


@pytest.mark.parametrize("command", LINES)
def test_a_wrong_word_is_told_with_the_way_out(
    command: str, folder: Path, weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each wrong line leaves with code 2 and one message without traceback, as recorded."""
    told = []

    for line in LINES[command]:
        words = line.split()
        code = main([command, *words])
        seen = capsys.readouterr()
        assert (line, code, seen.out) == (line, 2, "")
        assert seen.err.startswith("error: "), line
        assert "Traceback" not in seen.err
        told.append(f"$ {' '.join(['videoflow', command, *words])}\n{seen.err}")
    text = plain("\n".join(told), folder)

    snapshot = SNAPSHOTS / f"{command}.txt"
    if os.environ.get("VIDEOFLOW_UPDATE_SNAPSHOTS"):
        snapshot.parent.mkdir(exist_ok=True)
        snapshot.write_text(text)
    assert text == snapshot.read_text()


def test_every_recipe_has_wrong_ways_here() -> None:
    """A config that is added is tried with wrong words too."""
    shipped = {path.stem.replace("_", "-") for path in shelf_folder("configs").glob("*.yaml")}

    assert shipped <= set(LINES)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        pytest.param(
            ["door.mp4", "--line", "0,900,128,900"],
            "lies outside the 128 x 96 picture\n  help: give its ends in pixels",
            id="line-outside",
        ),
        pytest.param(
            ["rtsp://127.0.0.1:9/door"], "rtsp://127.0.0.1:9/door: cannot be opened", id="rtsp"
        ),
    ],
)
def test_what_only_the_first_frame_shows_is_wrong_input_too(
    words: list[str],
    message: str,
    folder: Path,
    weights: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A line outside the picture and a camera that is not there: code 2, and no report."""
    code = main(["count-people", *words, "--device", "cpu", "--quiet"])

    seen = capsys.readouterr()
    assert code == 2
    assert message in seen.err
    assert seen.err.startswith("error: ")
    assert "raceback" not in seen.err
    assert seen.out == ""
