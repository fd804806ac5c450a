"""What every command says about wrong words: one message with the way out, and code 2.

The messages are kept in ``snapshots/``, a file for each command, and compared as they stand;
``VIDEOFLOW_UPDATE_SNAPSHOTS=1 pytest tests/app/test_wrong_input.py`` writes them anew.
"""

from __future__ import annotations

import os
import re
import shlex
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import typer

from tests.clips import write_clip
from videoflow.app.cli import app, main
from videoflow.nets.shelf import shelf_folder

SNAPSHOTS = Path(__file__).parent / "snapshots"

VERBS = ("blur-faces", "count-people", "detect-people", "measure-dwell", "track-people")

LONG = "long" * 80  # no file can have this name

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
    "zero.mp4",
    "rtsp://127.0.0.1:9/door",
    "door.mp4 --out ''",
    "door.mp4 --out /proc/x",
    f"door.mp4 --out {LONG}",
    "door.mp4 --device cuda:99",
    "VIDEOFLOW_WEIGHTS=empty VIDEOFLOW_CACHE=text.mp4/cache door.mp4",
)
MORE = {
    "count-people": (
        "door.mp4 --line 1,2,3",
        "door.mp4 --line 5,5,5,5",
        "door.mp4 --line a,b,c,d",
        "door.mp4 --line 0,900,128,900",
        "door.mp4 --line 0,5,9,5,7",
        "door.mp4 --line ''",
    ),
    "measure-dwell": (
        "door.mp4 --zone 1,2,3",
        "door.mp4 --zone 0,0,9,0,18,0",
        "door.mp4 --zone 900,900,950,900,950,950",
    ),
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
        "count_people --set",
        "count_people --set source=",
        "count_people door.mp4 --quiet=1",
        "count_people rtsp://127.0.0.1:9/door",
        "''",
        "/dev/null",
        f"{LONG}.yaml",
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
        "count_people door.mp4 > /dev/full",
        "count_people door.mp4 --format",
        "key.yaml",
        "missing.yaml",
    ),
    "bench": (
        "",
        "count_people",
        "count_people door.mp4 --seconds 0",
        "count_people door.mp4 --seconds soon",
        "count_people door.mp4 --seconds inf",
        "count_people door.mp4 --line 0,900,128,900",
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
        "config one.yaml other.yaml",
        "config ''",
        f"config {LONG}.yaml",
    ),
    "demo": (
        "film",
        "--sead 3",
        "--seed -1",
        "--seed x",
        "--seconds 2",
        "--seconds 1e9",
        "--seconds many",
        "--seconds inf",
        "--out",
        "--out text.mp4",
        "--out text.mp4/shown",
        "--out /proc/shown",
        "--json=1",
    ),
    "schema": (
        "--out",
        "--out empty",
        "--out missing/s.json",
        "--out text.mp4/s.json",
        "--ot s.json",
        "s.json",
        "--out ''",
        "--out /dev/full",
        "--out /proc/s.json",
        f"--out {LONG}",
        "--json",
        "> /dev/full",
    ),
    "count-peopel": ("door.mp4",),
    "models": (
        "shwo yolox_nano",
        "list yolox_nano",
        "list --jsno",
        "list > /dev/full",
        "show",
        "show yolox_nanno",
        "show yolox_nano yolox_tiny",
        "show ./nowhere",
        "show empty",
        "show yolox_nano --device cpu",
        "fetch",
        "fetch yolox_nano yolox_nanno",
        "fetch yolox_s",
        "VIDEOFLOW_WEIGHTS=empty VIDEOFLOW_CACHE=text.mp4/cache fetch yolox_nano",
        "VIDEOFLOW_WEIGHTS=broken fetch yolox_nano",
        "check yolox_nano yolox_nanno",
        "check yolox_nano --device gpu",
        "check yolox_nano --device cuda:99",
        "check ./broken",
        "check yolox_nano --devise cpu",
    ),
    "eval": (
        "mott",
        "mot --gt missing.txt --tracks det.txt",
        "mot --gt det.txt",
        "mot --gt text.mp4 --tracks det.txt",
        "mot --gt det.txt --tracks det.txt --classes people",
        "mot --gt det.txt --tracks det.txt --first-frame one",
        "mot",
        "mot --gt zero.mp4 --tracks det.txt",
        "mot --gt door.mp4 --tracks det.txt",
        "mot --gt det.txt --tracks empty",
        "mot --gt empty --tracks empty",
        "mot --gt det.txt --gt det.txt --tracks det.txt",
        "mot --gt det.txt --tracks det.txt --first-frame 5",
        "mot --gt det.txt --tracks det.txt --first-frame 2 --last-frame 1",
        "mot --gt det.txt --tracks det.txt --first-frame 1 --first-frame 1",
        "mot --gt det.txt --tracks det.txt > /dev/full",
        "mot det.txt det.txt",
    ),
    "doctor": (
        "--jsno",
        "now",
        "--json=yes",
        "-j",
        "--quiet",
        "--device cuda",
        "--out report.json",
        "--json now",
        "> /dev/full",
        "--json > /dev/full",
    ),
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
    (tmp_path / "zero.mp4").write_text("")
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "model.yaml").write_text("name: broken\n")
    (tmp_path / "broken" / "yolox_nano_coco_416.onnx").write_text("cut off")
    (tmp_path / "det.txt").write_text("1,-1,10,10,20,40,0.9\n")
    (tmp_path / "taken.py").write_text("")
    for name, text in CONFIGS.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("videoflow.app.doctor.run_probe", lambda _: (None, "not asked"))
    return tmp_path


def plain(text: str, folder: Path) -> str:
    """Leave out of a message where this machine keeps things and how much there is by now."""
    text = text.replace(str(folder), "HERE").replace(LONG, "LONG")
    text = text.replace(str(shelf_folder("configs")), "CONFIGS")
    text = re.sub(r"torch sees \d+ GPUs", "torch sees N GPUs", text)
    return re.sub(r"one of the \d+ ", "one of the N ", text)


def say(command: str, line: str) -> tuple[str, int]:
    """Call a command as a shell would; return all of the line, and the exit code.

    ``NAME=VALUE`` before the words is for the environment, ``> FILE`` after them takes what is
    printed.
    """
    first, _, target = line.partition("> ")
    words = shlex.split(first)
    variables = [word for word in words if re.match(r"[A-Z_]+=", word)]
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        for variable in variables:
            patch.setenv(*variable.split("=", 1))
        if target:
            patch.setattr("sys.stdout", stack.enter_context(open(target, "w")))
        code = main([command, *words[len(variables) :]])
    name = f"videoflow {command}"
    return " ".join([*variables, name, line.removeprefix(" ".join(variables)).strip()]), code


@pytest.mark.parametrize("command", LINES)
def test_a_wrong_word_is_told_with_the_way_out(
    command: str, folder: Path, weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each wrong line leaves with code 2 and one message without traceback, as recorded."""
    told = []

    for line in LINES[command]:
        shown, code = say(command, line)
        seen = capsys.readouterr()
        assert (line, code, seen.out) == (line, 2, "")
        assert seen.err.startswith("error: "), line
        assert "\n  help: " in seen.err, line
        assert "Traceback" not in seen.err
        told.append(f"$ {shown.strip()}\n{seen.err}")
    text = plain("\n".join(told), folder)

    snapshot = SNAPSHOTS / f"{command}.txt"
    if os.environ.get("VIDEOFLOW_UPDATE_SNAPSHOTS"):
        snapshot.parent.mkdir(exist_ok=True)
        snapshot.write_text(text)
    assert text == snapshot.read_text()


def test_every_command_has_ten_wrong_ways_here() -> None:
    """A command or config that is added is tried with wrong words too."""
    group: Any = typer.main.get_command(app)

    commands = set(group.list_commands(None))

    assert commands <= {command for command, lines in LINES.items() if len(lines) >= 10}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        pytest.param(["tcp://127.0.0.1:9"], "tcp://127.0.0.1:9: cannot be opened", id="tcp"),
    ],
)
def test_what_only_the_first_frame_shows_is_wrong_input_too(
    words: list[str],
    message: str,
    folder: Path,
    weights: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What nobody can ask before a flow starts: code 2, one message, and no report."""
    code = main(["count-people", *words, "--device", "cpu", "--quiet"])

    seen = capsys.readouterr()
    assert code == 2
    assert message in seen.err
    assert seen.err.startswith("error: ")
    assert "raceback" not in seen.err
    assert seen.out == ""
