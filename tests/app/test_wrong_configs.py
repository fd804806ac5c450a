"""What is said about a config with a mistake in it: file, line, key, and what was meant.

Each config that ships is spoilt in every way below that fits it. What comes is kept in
``snapshots/``, as in ``test_wrong_input.py``, and written anew in the same way.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.app.test_wrong_input import SNAPSHOTS, plain
from tests.clips import write_clip
from videoflow.app.cli import main
from videoflow.nets.shelf import shelf_folder

CONFIGS = sorted(shelf_folder("configs").glob("*.yaml"))

# What is written (the first that fits is taken), and what comes to stand there.
MISTAKES = {
    "no nodes": (r"(?s)nodes:.*", ""),
    "a list": (r"(?s)^.*", "- read\n- detect\n"),
    "section": (r"(?m)^nodes:", "nods:"),
    "flow key": (r"(?m)^  name: ", "  nmae: "),
    "flow type": (r"(?m)^  type: .*", "  type: fast"),
    "input key": (r"    help: ", "    hepl: "),
    "input default": (r"    default: ", "    defualt: "),
    "input of another": (r"per_stream_of: source", "per_stream_of: sorce"),
    "choice": (
        r"default: (auto|motiontrack)\n    (# .*\n    )?choices",
        r"default: best\n    choices",
    ),
    "reference": (r"\$\{(source|detections)\}", "${sorce}"),
    "node name": (r"(?m)^  detect:|^  track:$", "  Detect:"),
    "no type": (r"    type: (VideoReader|MotDetectionsReader)\n", ""),
    "type": (r"type: (Video|Mot)(FileWriter|Writer)", r"type: \1Wrtier"),
    "key from": (r"(?m)^    from: ", "    form: "),
    "parent": (r"from: (read|\[read)", r"from: \1er"),
    "no parent": (r"    from: .*\n", ""),
    "key path": (r"    path: ", "    pth: "),
    "key device": (r"    device: \$", "    devcie: $"),
    "key classes": (r"    classes: ", "    clases: "),
    "key threshold": (r"    track_threshold: ", "    track_treshold: "),
    "quotes": (r"max_batch_size: .*|max_lost_frames: .*", "max_batch_size: '8'"),
    "number": (r"(track_threshold|score_threshold): .*", r"\1: high"),
    "no number": (r"every: \$.*|min_area_px: \$.*", "name: 8"),
    "twice": (r"(?m)^  (detect|track):\n", r"  read:\n"),
    "tab": (r"(?m)^    type: ", "\ttype: "),
    "quote": (r"(?m)^  name: ", "  name: '"),
}


def spoilt(text: str) -> dict[str, str]:
    """Return ``text`` with each mistake that can be made in it."""
    found = {name: re.sub(*mistake, text, count=1) for name, mistake in MISTAKES.items()}
    return {name: other for name, other in found.items() if other != text}


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.stem)
def test_a_mistake_in_a_config_is_told_with_its_place(
    config: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Each leaves with code 2 and one message with file and way out, as recorded."""
    write_clip(tmp_path / "door.mp4", num_frames=1, size_hw=(96, 128))
    monkeypatch.chdir(tmp_path)
    arguments = ["door.mp4"] if "source" in config.read_text() else ["d.txt", "--out", "t.txt"]
    texts = spoilt(config.read_text())
    told = []

    for mistake, text in texts.items():
        Path(config.name).write_text(text)
        code = main(["explain", config.name, *arguments])
        seen = capsys.readouterr()
        assert (mistake, code, seen.out) == (mistake, 2, "")
        assert seen.err.startswith(f"error: {config.name}"), mistake
        assert "\n  help: " in seen.err or ", want " in seen.err, mistake
        told.append(f"# {mistake}\n{seen.err}")
    said = plain("\n".join(told), tmp_path)

    assert len(told) >= 15
    snapshot = SNAPSHOTS / "configs" / f"{config.stem}.txt"
    if os.environ.get("VIDEOFLOW_UPDATE_SNAPSHOTS"):
        snapshot.parent.mkdir(exist_ok=True)
        snapshot.write_text(said)
    assert said == snapshot.read_text()
