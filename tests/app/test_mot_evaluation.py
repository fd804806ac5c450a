"""``videoflow eval mot``: which files go together, and what is printed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from videoflow.app.cli import main
from videoflow.app.mot_evaluation import find_pairs, score_files
from videoflow.errors import ConfigError

pytest.importorskip("trackeval")


def people(*frames: int, who: int = 1) -> str:
    return "".join(f"{frame},{who},{10 * frame},0,40,80,1\n" for frame in frames)


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def evaluate(*arguments: object) -> int:
    return main(["eval", "mot", *map(str, arguments)])


def test_one_pair_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A heading and a line with the name of the sequence."""
    gt = write(tmp_path / "door" / "gt" / "gt.txt", people(1, 2, 3))
    tracks = write(tmp_path / "t.txt", people(1, 2))

    assert evaluate("--gt", gt, "--tracks", tracks) == 0

    heading, line = capsys.readouterr().out.splitlines()
    assert heading.split() == ["sequence", "HOTA", "MOTA", "IDF1", "IDs", "FP", "FN"]
    assert line.split() == ["door", "66.67", "66.67", "80.00", "0", "0", "1"]


def test_folders_are_paired_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each sequence of the folder has a line, whatever the layout, and all have one."""
    for path in ("a/gt/gt.txt", "b/gt.txt", "c.txt"):
        write(tmp_path / "gt" / path, people(1, 2))
    for path in ("a.txt", "b/tracks.txt", "c.txt"):
        write(tmp_path / "tracks" / path, people(1, 2))

    assert evaluate("--gt", tmp_path / "gt", "--tracks", tmp_path / "tracks") == 0

    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["a", "b", "c", "together"]


def test_frames_of_the_truth_are_renumbered(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Frame 1 of the tracks is --first-frame of the truth; each pair may have its own."""
    gt = write(tmp_path / "gt.txt", "".join(f"{n},1,{10 * n - 40},0,40,80,1\n" for n in (5, 6)))
    later = write(tmp_path / "x.txt", people(1, 2))

    code = evaluate(
        *("--gt", gt, "--gt", later, "--tracks", later, "--tracks", later, "--json"),
        *("--first-frame", 5, "--first-frame", 1, "--last-frame", 6, "--last-frame", 2),
    )

    scores = json.loads(capsys.readouterr().out)
    assert code == 0
    assert [score["mota"] for score in scores["sequences"].values()] == [100, 100]
    assert scores["together"] == {
        "hota": 100,
        "mota": 100,
        "idf1": 100,
        "id_switches": 0,
        "false_positives": 0,
        "false_negatives": 0,
    }


def test_tracks_after_the_last_frame(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """They are refused, and left out with a note where --last-frame says so."""
    gt = write(tmp_path / "gt.txt", people(1, 2))
    tracks = write(tmp_path / "t.txt", people(1, 2, 3))

    assert evaluate("--gt", gt, "--tracks", tracks) == 2
    assert "got tracks up to frame 3, want at most 2 frames" in capsys.readouterr().err
    assert evaluate("--gt", gt, "--tracks", tracks, "--last-frame", 2) == 0
    assert "1 boxes after frame 2 left out" in capsys.readouterr().err


def test_a_tracker_that_found_nobody(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An empty file of tracks is scored like any other."""
    gt, tracks = write(tmp_path / "gt.txt", people(1, 2)), write(tmp_path / "t.txt", "")

    assert evaluate("--gt", gt, "--tracks", tracks) == 0
    assert capsys.readouterr().out.split()[-1] == "2"


@pytest.mark.parametrize(
    ("truth", "tracks", "arguments", "message"),
    [
        pytest.param("", people(1), [], "gt.txt: got no row, want frame,id,left", id="empty"),
        pytest.param(people(1), "1,2", [], "t.txt:1: got 2 values", id="malformed"),
        pytest.param(people(1), people(1) * 2, [], "got id 1 2 times in frame 1", id="twice"),
        pytest.param(people(1), None, [], "t.txt: cannot be read", id="no tracks"),
        pytest.param(people(1), people(1), ["--gt", "b"], "got 2 x --gt and 1 x", id="pairs"),
        pytest.param(people(1), people(1), ["--first-frame", "0"], "1 <= first", id="frame 0"),
        pytest.param(
            people(1),
            people(1),
            ["--first-frame", "1"] * 2,
            "2 x --first-frame for 1",
            id="ends",
        ),
    ],
)
def test_bad_files_are_one_message(
    tmp_path: Path,
    truth: str,
    tracks: str | None,
    arguments: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What is wrong ends with code 2, one message, and no score."""
    gt = write(tmp_path / "gt.txt", truth)
    if tracks is not None:
        write(tmp_path / "t.txt", tracks)

    assert evaluate("--gt", gt, "--tracks", tmp_path / "t.txt", *arguments) == 2

    seen = capsys.readouterr()
    assert message in seen.err
    assert "Traceback" not in seen.err
    assert seen.out == ""


def test_folders_that_do_not_go_together(tmp_path: Path) -> None:
    """A sequence without tracks is told, and not left out in silence."""
    write(tmp_path / "gt" / "a.txt", "")
    (tmp_path / "tracks").mkdir()

    with pytest.raises(ConfigError, match=r"no tracks for 'a', want a\.txt or a/tracks\.txt"):
        find_pairs([tmp_path / "gt"], [tmp_path / "tracks"])
    with pytest.raises(ConfigError, match=r"got no ground truth, want NAME/gt/gt\.txt"):
        find_pairs([tmp_path / "tracks"], [tmp_path / "gt"])
    with pytest.raises(ConfigError, match="want two files or two folders"):
        find_pairs([tmp_path / "gt"], [tmp_path / "a.txt"])


def test_two_sequences_of_one_name() -> None:
    """Where names are the same, the files of the tracks tell the lines apart."""
    files = find_pairs([Path("gt.txt")] * 2, [Path("a.txt"), Path("b.txt")])

    assert [one.name for one in files] == ["a.txt", "b.txt"]


@pytest.mark.slow
def test_reference_figures(test_data: Path, tmp_path: Path) -> None:
    """SORT through the shipped config scores what its authors' code scores."""
    spans = {"MOT17-02": (302, 600), "MOT17-10": (329, 654)}
    for name, (first, last) in spans.items():
        inputs = {
            "detections": test_data / "mot17" / name / "det_yolox_x.txt",
            "tracker": "sort",
            "out": tmp_path / f"{name}.txt",
            "first_frame": first,
            "last_frame": last,
        }
        settings = [f"--set={key}={value}" for key, value in inputs.items()]
        assert main(["run", "track_detections", *settings, "--quiet"]) == 0

    scores, _ = score_files(
        find_pairs(
            [test_data / "mot17" / name / "gt.txt" for name in spans],
            [tmp_path / f"{name}.txt" for name in spans],
            first_frames=[first for first, _ in spans.values()],
            last_frames=[last for _, last in spans.values()],
        )
    )

    assert [round(scores[name].hota, 2) for name in spans] == [44.29, 51.27]
    assert [scores[name].id_switches for name in spans] == [65, 49]


def test_the_help_says_how_classes_are_read(capsys: pytest.CaptureFixture[str]) -> None:
    """Who asks is told what becomes of the classes of MOT17, and of a file without."""
    assert main(["eval", "mot", "--help"]) == 0

    text = " ".join(capsys.readouterr().out.split())
    assert "pedestrians (class 1) count" in text
    assert "One without classes, as MOT15 or most files of your own, counts every box" in text
