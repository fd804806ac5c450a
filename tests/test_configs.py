"""Every config that ships runs, and says what can be set in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.clips import write_clip
from videoflow.app.cli import main
from videoflow.app.config import read_config
from videoflow.app.document import read_document
from videoflow.data import read_mot
from videoflow.producers import VideoFileReader

CONFIGS = sorted((Path(__file__).parent.parent / "configs").glob("*.yaml"))
every_config = pytest.mark.parametrize("config", [pytest.param(c, id=c.stem) for c in CONFIGS])


DETECTIONS = "1,-1,10,10,20,40,0.9\n2,-1,11,10,20,40,0.9\n12,-1,50,10,20,40,0.9\n"


@pytest.fixture
def needed(tmp_path: Path) -> dict[str, dict[str, object]]:
    """Return what must be set in each config, and what makes it small; with its files."""
    video = write_clip(tmp_path / "door.mp4", num_frames=12, size_hw=(96, 128))
    detections = tmp_path / "det.txt"
    detections.write_text(DETECTIONS)
    of_video = {"source": video, "out": tmp_path / "o", "device": "cpu", "batch": 4}
    recipes = ("blur_faces", "count_people", "detect_people", "measure_dwell", "track_people")
    return dict.fromkeys(recipes, of_video) | {
        "track_detections": {"detections": detections, "out": tmp_path / "tracks.txt"},
    }


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
def test_a_config_fits_its_classes(config: Path, needed: dict[str, dict[str, object]]) -> None:
    """Each key is an argument of its node's class, and each default fits."""
    required = [
        name
        for name, description in read_document(config).data["inputs"].items()
        if "default" not in description
    ]

    checked = read_config(config, {name: str(needed[config.stem][name]) for name in required})

    assert checked.nodes


@every_config
def test_a_config_runs(
    config: Path,
    needed: dict[str, dict[str, object]],
    weights: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Each config reads its source to the end on the CPU, and reports every frame."""
    code = main(["run", str(config), *settings(**needed[config.stem])])

    seen = capsys.readouterr()
    assert code == 0, seen.err
    assert "12 read = 12 delivered" in seen.out
    assert "<- bottleneck" in seen.out


TRACKERS = ("motiontrack", "sort", "bytetrack", "ocsort", "botsort")


@pytest.mark.parametrize("tracker", TRACKERS)
def test_every_tracker_follows_a_file_of_detections(tracker: str, tmp_path: Path) -> None:
    """One who walks from the first frame to the last is written under one id, from frame 1."""
    lines = [f"{frame},-1,{frame},50,40,80,0.9\n" for frame in range(1, 31)]
    warps = [f"{index} 1 0 0 0 1 0\n" for index in range(30)]
    detections, gmc, out = (tmp_path / name for name in ("det.txt", "gmc.txt", "tracks.txt"))
    detections.write_text("".join(lines))
    gmc.write_text("".join(warps))
    inputs = {"detections": detections, "out": out, "tracker": tracker, "gmc": gmc}

    code = main(["run", "track_detections", *settings(**inputs, first_frame=11), "--quiet"])

    assert code == 0
    rows = read_mot(out)
    assert set(rows.ids.tolist()) == {1}
    assert rows.last_frame == 20
    assert rows.boxes_xywh[-1] == pytest.approx([30, 50, 40, 80], abs=1.5)


def test_an_unknown_tracker_is_told_the_right_names(
    needed: dict[str, dict[str, object]], capsys: pytest.CaptureFixture[str]
) -> None:
    """One message with all names, and code 2."""
    inputs = needed["track_detections"] | {"tracker": "bytetracker"}

    assert main(["run", "track_detections", *settings(**inputs)]) == 2
    error = capsys.readouterr().err
    assert all(name in error for name in TRACKERS)
    assert "did you mean 'bytetrack'?" in error


def test_a_malformed_row_is_told_before_the_start(
    needed: dict[str, dict[str, object]], capsys: pytest.CaptureFixture[str]
) -> None:
    """A file of detections that is none ends with code 2 and the line."""
    path = needed["track_detections"]["detections"]
    Path(str(path)).write_text("1,-1,0,0,1,1,1\n1,-1,0,0\n")

    assert main(["run", "track_detections", *settings(**needed["track_detections"])]) == 2
    assert f"{path}:2: got 4 values, want at least 7" in capsys.readouterr().err


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
    assert num_frames(out / "annotated.mp4") == 795


def test_a_video_that_is_not_there_is_wrong_input(
    tmp_path: Path, weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A source that cannot be opened is refused before anything starts."""
    missing = tmp_path / "nowhere.mp4"

    code = main(["run", "count_people", *settings(source=missing, out=tmp_path)])

    assert code == 2
    assert "nowhere.mp4" in capsys.readouterr().err
