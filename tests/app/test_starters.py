from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.clips import write_clip
from tests.flows.environment import HANG_SECONDS
from videoflow.app.cli import main
from videoflow.app.document import read_document
from videoflow.app.node_types import own_node_types
from videoflow.app.schema import config_schema
from videoflow.app.shipped import shipped_configs


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_clip(tmp_path / "door.mp4", num_frames=4, size_hw=(96, 128))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_script_runs(folder: Path, weights: Path) -> None:
    """What `new script` writes counts people as it stands."""
    assert main(["new", "script", "flow.py"]) == 0

    done = subprocess.run(
        [sys.executable, "flow.py", "door.mp4", "out"],
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "4 read = 4 delivered" in done.stdout
    assert sorted(path.name for path in (folder / "out").iterdir()) == [
        "annotated.mp4",
        "counts.jsonl",
        "tracks.txt",
    ]


def test_the_config_runs(
    folder: Path, weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What `new config` writes follows people as it stands."""
    assert main(["new", "config", "flow.yaml"]) == 0

    code = main(["run", "flow.yaml", "door.mp4", "--out", "out", "--device", "cpu", "--json"])

    report = json.loads(capsys.readouterr().out.partition("\n")[2])
    assert code == 0
    assert [stream["num_delivered"] for stream in report["streams"]] == [4]
    assert (folder / "out" / "tracks.txt").exists()


def test_several_sources_have_a_folder_each(
    folder: Path, weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A pattern is a stream for each file; a report for programs is all that is printed."""
    write_clip(folder / "gate.mp4", num_frames=4, size_hw=(64, 96))

    code = main(["detect-people", "*.mp4", "--out", "found", "--device", "cpu", "--json"])

    seen = capsys.readouterr()
    streams = json.loads(seen.out)["streams"]
    assert (code, seen.err) == (0, "")
    assert {stream["stream"]: stream["num_delivered"] for stream in streams} == {
        "door": 4,
        "gate": 4,
    }
    written = {path.relative_to("found").as_posix() for path in Path("found").rglob("*.*")}
    assert written == {
        f"{stream}/{name}"
        for stream in ("door", "gate")
        for name in ("annotated.mp4", "detections.jsonl")
    }


def test_the_schema_knows_every_node_and_its_arguments() -> None:
    """An editor completes types, arguments and choices; required ones are required."""
    schema = config_schema()

    node = schema["properties"]["nodes"]["additionalProperties"]
    by_type = {one["if"]["properties"]["type"]["const"]: one["then"] for one in node["allOf"]}
    assert set(by_type) == set(own_node_types())
    detector = by_type["ObjectDetector"]
    assert {"model", "every", "max_batch_size", "device", "from"} <= set(detector["properties"])
    assert detector["required"] == ["from"]
    assert by_type["VideoFileReader"]["required"] == ["path"]
    precision = detector["properties"]["precision"]["anyOf"][0]
    assert precision["enum"] == ["float32", "float16", "bfloat16"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("", "", id="as-shipped"),
        pytest.param("    model:", "    modle:", id="misspelt-argument"),
        pytest.param("type: ObjectDetector", "type: ObjectDetectr", id="misspelt-type"),
        pytest.param("track_threshold: 0.4", "track_threshold: high", id="wrong-type"),
        pytest.param("    from: [detect, read]\n", "", id="no-parent"),
        pytest.param("    many: true", "    many: often", id="wrong-input"),
    ],
)
def test_a_config_fits_the_schema_or_does_not(before: str, after: str, tmp_path: Path) -> None:
    """All shipped configs fit; what the loader would refuse does not."""
    jsonschema: Any = pytest.importorskip("jsonschema")
    validator = jsonschema.Draft202012Validator(config_schema())

    for config in shipped_configs().values():
        text = config.read_text()
        if before not in text:
            continue
        changed = tmp_path / config.name
        changed.write_text(text.replace(before, after, 1))
        is_fit = validator.is_valid(read_document(changed).data)

        assert is_fit == (before == ""), config


def test_the_schema_is_written_or_printed(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same JSON either way."""
    assert main(["schema", "--out", "videoflow.json"]) == 0
    assert main(["schema"]) == 0

    assert json.loads(capsys.readouterr().out) == json.loads(Path("videoflow.json").read_text())
