"""Every config that ships runs, and says what can be set in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.clips import write_clip
from videoflow.app.cli import main
from videoflow.app.config import read_config
from videoflow.app.document import read_document
from videoflow.producers import VideoFileReader

CONFIGS = sorted((Path(__file__).parent.parent / "configs").glob("*.yaml"))
every_config = pytest.mark.parametrize("config", [pytest.param(c, id=c.stem) for c in CONFIGS])


def settings(**inputs: object) -> list[str]:
    return [text for name, value in inputs.items() for text in ("--set", f"{name}={value}")]


def num_frames(video: Path) -> int | None:
    reader = VideoFileReader(video)
    reader.check()
    return reader.num_items


@every_config
def test_every_input_has_a_help_text(config: Path) -> None:
    """Who forgets an input is told in words what it is."""
    inputs = read_document(config).data["inputs"]

    assert all(description.get("help") for description in inputs.values())


@every_config
def test_a_config_fits_its_classes(config: Path) -> None:
    """Each key is an argument of its node's class, and each default fits."""
    checked = read_config(config, {"source": "door.mp4", "out": "counted"})

    assert checked.nodes


@every_config
def test_a_config_runs(
    config: Path, tmp_path: Path, weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each config reads a video to its end on the CPU, and reports every frame."""
    video = write_clip(tmp_path / "door.mp4", num_frames=12, size_hw=(96, 128))
    out = tmp_path / "counted"

    code = main(["run", str(config), *settings(source=video, out=out, device="cpu", batch=4)])

    seen = capsys.readouterr()
    assert code == 0, seen.err
    assert "12 read = 12 delivered" in seen.out
    assert "<- bottleneck" in seen.out


def test_count_people_writes_three_files(
    tmp_path: Path, weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """count_people by bare name: a video as long as the source, counts and tracks."""
    video = write_clip(tmp_path / "door.mp4", num_frames=12, size_hw=(96, 128))
    out = tmp_path / "counted"

    code = main(
        [
            "run",
            "count_people",
            *settings(source=video, out=out, line="0,48,128,48", device="cpu"),
            "--quiet",
        ]
    )

    assert (code, capsys.readouterr().err) == (0, "")
    assert num_frames(out / "annotated.mp4") == 12
    assert [json.loads(line) for line in (out / "counts.jsonl").read_text().splitlines()] == []
    assert (out / "tracks.txt").read_text() == ""


@pytest.mark.slow
def test_measure_dwell_tells_how_long_people_stay(
    tmp_path: Path, test_data: Path, weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """measure_dwell on a real street: visits begin, end and are open; the map holds seconds."""
    out = tmp_path / "measured"
    zone = "200,150,500,150,520,400,180,400"
    video = test_data / "video" / "vtest.avi"
    inputs = settings(source=video, out=out, zone=zone, device="cpu")

    code = main(["run", "measure_dwell", *inputs, "--quiet"])

    assert (code, capsys.readouterr().err) == (0, "")
    visits = [json.loads(line) for line in (out / "visits.jsonl").read_text().splitlines()]
    maps = [json.loads(line) for line in (out / "heat.jsonl").read_text().splitlines()]
    begun = sum(visit["event"] in ("entered", "appeared") for visit in visits)
    assert begun == sum(visit["event"] in ("left", "lost", "open") for visit in visits) > 0
    assert all(visit["zone"] == "zone" for visit in visits)
    assert sum(map(sum, maps[-1]["seconds"])) > 0


def test_a_video_that_is_not_there_is_wrong_input(
    tmp_path: Path, weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A source that cannot be opened is refused before anything starts."""
    missing = tmp_path / "nowhere.mp4"

    code = main(["run", "count_people", *settings(source=missing, out=tmp_path)])

    assert code == 2
    assert "nowhere.mp4" in capsys.readouterr().err
