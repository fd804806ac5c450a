"""JsonLinesWriter and MotWriter: what they write, and when it appears."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from videoflow.consumers.json_lines_writer import JsonLinesWriter
from videoflow.consumers.mot_writer import MotWriter
from videoflow.data import (
    Counts,
    Crossing,
    Detections,
    HeatMap,
    Homography,
    LineTotals,
    Speeds,
    Stamp,
    Tracks,
    Visit,
    ZoneCounts,
    ZoneEvent,
    ZoneTotals,
)
from videoflow.errors import GraphError, OutputError

Writer = type[JsonLinesWriter] | type[MotWriter]
both = pytest.mark.parametrize("kind", [JsonLinesWriter, MotWriter])


def tracks(index: int = 0, stream: str = "cam") -> Tracks:
    stamp = Stamp(stream, index, index / 10, (480, 640))
    boxes = np.array([[1.1, 2.2, 11.1, 22.2], [0, 0, 1, 1]], np.float32)
    scores = np.array([0.9, 0.25], np.float32)
    return Tracks(stamp, np.array([3, 4]), boxes, scores, np.array([0, 2]))


def run(writer: JsonLinesWriter | MotWriter, *values: Any, **endings: str) -> None:
    """Check, open, consume the values, end the streams, close."""
    writer.check()
    writer.open()
    for value in values:
        writer.consume(value)
    for stream, ending in endings.items():
        writer.end_stream(stream, ending)  # type: ignore[arg-type]
    writer.close()


def lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_line_for_each_crossing(tmp_path: Path) -> None:
    """A crossing tells where, when, who, which way and how many so far."""
    stamp = Stamp("döör", 41, 4.1, (480, 640))
    event = Crossing(stamp, "gate", 7, 0, "in", LineTotals(3, 1))
    busy = Counts(stamp, (event,), {"gate": LineTotals(3, 1)})
    quiet = Counts(stamp, (), {"gate": LineTotals(3, 1)})

    run(JsonLinesWriter(tmp_path / "c.jsonl"), quiet, busy, None, döör="finished")

    want = {"stream": "döör", "frame": 41, "pts_seconds": 4.1, "track_id": 7, "label": 0}
    want |= {"direction": "in", "line": "gate", "total_in": 3, "total_out": 1}
    assert lines(tmp_path / "c.jsonl") == [want]


def test_a_line_for_each_event_of_a_zone(tmp_path: Path) -> None:
    """A visit that begins, ends or is open tells where, when, who, how long, and the totals."""
    stamp = Stamp("cam", 41, 4.1, (480, 640))
    visit = Visit("till", 7, 0, 2.00000001)
    event = ZoneEvent(stamp, "left", visit, ZoneTotals(1, 3, 2, 2, 9.5))
    busy = ZoneCounts(stamp, (event,), (), {"till": event.totals})
    quiet = ZoneCounts(stamp, (), (visit,), {"till": event.totals})

    run(JsonLinesWriter(tmp_path / "c.jsonl"), quiet, busy, cam="finished")

    want = {"stream": "cam", "frame": 41, "pts_seconds": 4.1, "track_id": 7, "label": 0}
    want |= {"zone": "till", "event": "left", "dwell_seconds": 2.0}
    want |= {"occupancy": 1, "entries": 3, "exits": 2}
    assert lines(tmp_path / "c.jsonl") == [want]


def test_speeds_and_heat_maps(tmp_path: Path) -> None:
    """Each frame's people on the floor are a line, and each map; what is unknown is null."""
    stamp = Stamp("cam", 4, 0.4, (20, 30))
    feet = np.array([[1, 2], [3, 4]], np.float32)
    unknown = np.array([[3, 4], [np.nan, np.nan]], np.float32)
    speeds = Speeds(stamp, np.array([7, 9]), feet, feet, unknown, Homography(np.eye(3)))
    heat = HeatMap(stamp, np.array([[0, 0.10004], [2, 3]], np.float32), 16)

    run(JsonLinesWriter(tmp_path / "c.jsonl"), speeds, heat, cam="finished")

    about = {"stream": "cam", "frame": 4, "pts_seconds": 0.4}
    fast = {"position_m": [1, 2], "velocity_mps": [3, 4], "speed_mps": 5}
    slow = {"position_m": [3, 4], "velocity_mps": [None, None], "speed_mps": None}
    assert lines(tmp_path / "c.jsonl") == [
        about | {"speeds": [{"track_id": 7} | fast, {"track_id": 9} | slow]},
        about | {"cell_px": 16, "seconds": [[0.0, 0.1], [2.0, 3.0]]},
    ]


@dataclass
class Reading:
    """A value that a user's node may send."""

    level: float
    cells: Any


def test_other_values(tmp_path: Path) -> None:
    """Dicts, dataclasses, arrays and plain values become JSON; what is not finite is null."""
    path = tmp_path / "v.jsonl"
    values = [{"a": np.float32(0.5)}, Reading(float("nan"), np.arange(3)), 7, "x", tracks()]

    run(JsonLinesWriter(path), *values, cam="finished")

    got = lines(path)
    assert got[:4] == [{"a": 0.5}, {"level": None, "cells": [0, 1, 2]}, 7, "x"]
    assert got[4]["tracks"][0] == {
        "track_id": 3,
        "box_xyxy": [1.1, 2.2, 11.1, 22.2],
        "score": 0.9,
        "label": 0,
    }
    nobody = Detections.empty(tracks().stamp)
    run(JsonLinesWriter(path), nobody, cam="finished")
    assert lines(path) == [{"stream": "cam", "frame": 0, "pts_seconds": 0.0, "detections": []}]


def test_a_value_that_json_cannot_hold(tmp_path: Path) -> None:
    """An object is refused with its type and the way out."""
    writer = JsonLinesWriter(tmp_path / "v.jsonl")
    writer.open()

    with pytest.raises(OutputError, match="got object"):
        writer.consume(object())
    writer.close()
    assert list(tmp_path.iterdir()) == []


def test_mot_form(tmp_path: Path) -> None:
    """Frames count from 1, lengths have two decimals, scores four."""
    run(MotWriter(tmp_path / "t.txt"), tracks(9), None, cam="finished")

    assert (tmp_path / "t.txt").read_text() == (
        "10,3,1.10,2.20,10.00,20.00,0.9000,-1,-1,-1\n10,4,0.00,0.00,1.00,1.00,0.2500,-1,-1,-1\n"
    )


@both
def test_a_file_for_each_stream(kind: Writer, tmp_path: Path) -> None:
    """With {stream} each stream's file appears when it ends; a failed one's does not."""
    writer = kind(tmp_path / "new" / "{stream}.txt")

    run(
        writer,
        tracks(0, "a"),
        tracks(0, "b"),
        a="finished",
        b="failed",
        c="stopped",
    )

    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["a.txt", "c.txt"]
    assert (tmp_path / "new" / "c.txt").read_text() == ""


@both
@pytest.mark.parametrize(
    ("endings", "is_published"),
    [
        pytest.param({"cam": "finished"}, True, id="finished"),
        pytest.param({"cam": "stopped"}, True, id="stopped"),
        pytest.param({"cam": "failed"}, False, id="failed"),
        pytest.param({}, False, id="torn down"),
    ],
)
def test_published_only_when_complete(
    kind: Writer, endings: dict[str, str], is_published: bool, tmp_path: Path
) -> None:
    """An older file is replaced by a complete one only, and nothing else is left behind."""
    path = tmp_path / "out.txt"
    path.write_text("older")

    run(kind(path), tracks(), **endings)

    assert (path.read_text() != "older") is is_published
    assert list(tmp_path.iterdir()) == [path]


@both
def test_nothing_is_seen_before_the_end(kind: Writer, tmp_path: Path) -> None:
    """While the flow runs only a hidden name lies beside the target."""
    writer = kind(tmp_path / "out.txt")
    writer.open()

    writer.consume(tracks())

    assert [path.name[0] for path in tmp_path.iterdir()] == ["."]
    writer.close()


@both
def test_an_empty_result_is_an_empty_file(kind: Writer, tmp_path: Path) -> None:
    """A stream without a single frame still publishes."""
    run(kind(tmp_path / "out.txt"), cam="finished")

    assert (tmp_path / "out.txt").read_text() == ""


def test_one_file_for_all_streams_waits_for_all(tmp_path: Path) -> None:
    """A shared file is not complete where one of its streams was torn down."""
    values = [tracks(0, "a"), tracks(0, "b")]
    run(JsonLinesWriter(tmp_path / "o"), *values, a="finished", b="failed")
    assert list(tmp_path.iterdir()) == []

    run(JsonLinesWriter(tmp_path / "o"), tracks(0, "a"), a="finished", b="stopped")
    assert len(lines(tmp_path / "o")) == 1


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        pytest.param({}, [1, 2, 3], id="none by default"),
        pytest.param({"min_area_px": 100.0}, [2, 3], id="too small"),
        pytest.param({"max_aspect": 1.6}, [1, 2], id="too wide"),
        pytest.param({"min_area_px": 100.0, "max_aspect": 1.6}, [2], id="MOT17"),
    ],
)
def test_mot_leaves_boxes_out(
    options: dict[str, float], ids: list[int], tmp_path: Path
) -> None:
    """Boxes of at most so many pixels, or wider than so many heights, are not written."""
    sizes = [(10, 10), (32, 20), (33, 20)]
    boxes = np.array([[5, 5, 5 + w, 5 + h] for w, h in sizes], np.float32)
    stamp = Stamp("cam", 0, 0.0, (100, 100))
    ones = np.ones(3, np.float32)
    people = Tracks(stamp, np.arange(1, 4), boxes, ones, np.zeros(3, np.int64))

    run(MotWriter(tmp_path / "t.txt", **options), people, cam="finished")

    written = (tmp_path / "t.txt").read_text().splitlines()
    assert [int(line.split(",")[1]) for line in written] == ids


def test_mot_refuses_a_second_stream(tmp_path: Path) -> None:
    """The form has no place for a stream's name: two streams in one file are refused."""
    writer = MotWriter(tmp_path / "t.txt")
    writer.open()
    writer.consume(tracks(0, "a"))

    with pytest.raises(OutputError, match=r"'a' and 'b'"):
        writer.consume(tracks(0, "b"))
    writer.close()


def test_stream_names_do_not_leave_the_folder(tmp_path: Path) -> None:
    """A slash in a stream's name becomes _; two names that become one are refused."""
    writer = MotWriter(tmp_path / "{stream}")
    writer.open()
    writer.consume(tracks(0, "../a/b"))
    writer.end_stream("../a/b", "finished")

    assert [path.name for path in tmp_path.iterdir()] == [".._a_b"]
    with pytest.raises(OutputError, match="want one"):
        writer.consume(tracks(0, ".._a/b"))
    writer.close()


def test_a_value_without_a_stream(tmp_path: Path) -> None:
    """A value that does not say its stream cannot go to a stream's file."""
    writer = JsonLinesWriter(tmp_path / "{stream}.jsonl")
    writer.open()

    with pytest.raises(OutputError, match="does not say its stream"):
        writer.consume(7)
    writer.consume({"stream": "a"})
    writer.end_stream("a", "finished")
    writer.close()
    assert lines(tmp_path / "a.jsonl") == [{"stream": "a"}]


@both
def test_check(kind: Writer, tmp_path: Path) -> None:
    """A folder as the file, or a file as the folder, is refused; missing folders are made."""
    (tmp_path / "file").write_text("")

    kind(tmp_path / "a" / "{stream}" / "b.txt").check()
    assert [path.name for path in (tmp_path / "a").iterdir()] == []
    with pytest.raises(OutputError, match="is a folder"):
        kind(tmp_path).check()
    with pytest.raises(OutputError, match="cannot be written"):
        kind(tmp_path / "file" / "b.txt").check()


@both
def test_two_workers_cannot_write_one_file(kind: Writer) -> None:
    """More than one task is refused where it is written."""
    with pytest.raises(GraphError, match="nb_tasks"):
        kind("out.txt", nb_tasks=2)


@pytest.mark.parametrize(
    "limits",
    [
        pytest.param({"min_area_px": -1.0}, id="area"),
        pytest.param({"min_area_px": float("nan")}, id="no number"),
        pytest.param({"max_aspect": 0.0}, id="aspect"),
    ],
)
def test_limits_that_make_no_sense_are_refused(
    limits: dict[str, float], tmp_path: Path
) -> None:
    """A limit that would keep or drop every box whatever it is, is a mistake."""
    with pytest.raises(GraphError, match=next(iter(limits))):
        MotWriter(tmp_path / "tracks.txt", **limits)


def test_counts_are_no_boxes(tmp_path: Path) -> None:
    """A MotWriter behind a counter says what it wants."""
    writer = MotWriter(tmp_path / "tracks.txt")
    writer.open()

    with pytest.raises(GraphError, match="got dict, want Tracks or Detections or None"):
        writer.consume({})
    writer.close()


def test_a_record_may_name_a_stream_of_its_own(tmp_path: Path) -> None:
    """In one file for all that is a field like any other; for files by stream it is refused."""
    run(JsonLinesWriter(tmp_path / "o"), {"stream": "tank"}, cam="finished")
    with pytest.raises(
        OutputError, match=r"got values of 'tank', want a stream of the flow: cam"
    ):
        run(JsonLinesWriter(tmp_path / "{stream}.jsonl"), {"stream": "tank"}, cam="finished")

    assert lines(tmp_path / "o") == [{"stream": "tank"}]
    assert not (tmp_path / "tank.jsonl").exists()
