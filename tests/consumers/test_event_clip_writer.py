"""EventClipWriter: what a clip shows, when it appears, and what it takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from tests.results import counts, tracks, zone_counts
from videoflow.consumers import EventClipWriter
from videoflow.core.node import Ending
from videoflow.data import Frame, Stamp
from videoflow.errors import GraphError, OutputError
from videoflow.video.av.decoder import open_video

FPS = 10


def make_frame(index: int, stream: str = "door", size_hw: tuple[int, int] = (48, 64)) -> Frame:
    """Return a frame whose grey tells its index."""
    height, width = size_hw
    buffer = torch.full((height * 3 // 2, width), 128, dtype=torch.uint8)
    buffer[:height] = 20 + 2 * index
    return Frame(buffer, Stamp(stream, index, index / FPS, size_hw))


def indices(path: Path) -> list[int]:
    """Return which frames a clip shows."""
    shown = []
    with open_video(f"file:{path}", num_threads=1) as video:
        while (picture := video.read()) is not None:
            planes = torch.empty(picture.buffer_shape, dtype=torch.uint8)
            picture.copy_to(planes)
            shown.append(round((float(planes[:48].float().mean()) - 20) / 2))
    return shown


def times(path: Path) -> list[float]:
    shown = []
    with open_video(f"file:{path}", num_threads=1) as video:
        while (picture := video.read()) is not None:
            shown.append(round(picture.pts_seconds or 0.0, 3))
    return shown


def make(path: Path, **options: Any) -> EventClipWriter:
    defaults = {"before_seconds": 1.0, "after_seconds": 0.5, "crf": 5.0}
    return EventClipWriter(path, when=lambda event: event, **(defaults | options))


def record(
    writer: EventClipWriter,
    num_frames: int,
    events: dict[int, str],
    ending: Ending | None = "finished",
) -> None:
    writer.check()
    writer.open()
    for index in range(num_frames):
        writer.consume(make_frame(index), events.get(index))
    if ending:
        writer.end_stream("door", ending)
    writer.close()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_clip_shows_before_and_after(tmp_path: Path) -> None:
    """It begins at a key picture, at most a second early, and ends in time; it starts at 0."""
    record(make(tmp_path / "{stream}" / "{time}-{event}-{index}.mp4"), 60, {35: "fall"})

    path = tmp_path / "door" / "00-00-03.500-fall-35.mp4"
    shown = indices(path)
    assert shown == list(range(shown[0], 41))
    assert 15 <= shown[0] <= 25
    assert times(path)[0] == 0.0
    assert times(path)[-1] == pytest.approx((40 - shown[0]) / FPS)
    assert names(tmp_path / "door") == [path.name]


@pytest.mark.parametrize(
    ("event", "want"),
    [
        pytest.param(0, range(6), id="at-the-first-frame"),
        pytest.param(19, range(20), id="at-the-last-frame"),
    ],
)
def test_an_event_at_an_end(tmp_path: Path, event: int, want: range) -> None:
    """What was not yet, or is no more, is not shown; the end of a stream completes its clip."""
    record(make(tmp_path / "{time}.mp4", before_seconds=3), 20, {event: "x"})

    (path,) = tmp_path.iterdir()
    assert indices(path) == list(want)


def test_events_that_overlap_make_one_clip(tmp_path: Path) -> None:
    """A clip goes on behind the last event, and has the first one's name."""
    record(make(tmp_path / "{event}-{index}.mp4"), 60, {30: "a", 34: "b", 39: "c"})

    assert names(tmp_path) == ["a-30.mp4"]
    assert indices(tmp_path / "a-30.mp4")[-1] == 44


def test_events_apart_make_clips_that_may_share_frames(tmp_path: Path) -> None:
    """The seconds before the second event are whole, also where they are the first's last."""
    record(make(tmp_path / "{event}.{index}.mp4"), 60, {30: "a", 38: "b"})

    assert names(tmp_path) == ["a.30.mp4", "b.38.mp4"]
    assert indices(tmp_path / "a.30.mp4")[-1] == 35
    assert indices(tmp_path / "b.38.mp4")[0] <= 28


def test_a_clip_has_a_longest_length(tmp_path: Path) -> None:
    """Where something happens all the time, clips follow each other without a hole."""
    always = dict.fromkeys(range(20, 80), "x")
    record(make(tmp_path / "{index:03d}.mp4", max_seconds=3.0), 80, always)

    clips = [indices(path) for path in sorted(tmp_path.iterdir())]
    assert len(clips) > 1
    assert all(len(clip) <= 31 for clip in clips)
    assert {index for clip in clips for index in clip} >= set(range(20, 80))


def test_no_event_no_clip(tmp_path: Path) -> None:
    """Nothing is written without a reason."""
    record(make(tmp_path / "{time}.mp4"), 30, {})

    assert names(tmp_path) == []


@pytest.mark.parametrize("ending", ["failed", None])
def test_what_is_not_whole_is_removed(tmp_path: Path, ending: Ending | None) -> None:
    """Of a stream that failed, clips that were complete stay, and the one under way goes."""
    record(make(tmp_path / "{event}-{index}.mp4"), 30, {5: "whole", 28: "cut"}, ending)

    assert names(tmp_path) == ["whole-5.mp4"]


def test_a_clip_is_hidden_until_it_is_complete(tmp_path: Path) -> None:
    """Who watches the folder sees whole files only, and sees them while the flow runs."""
    writer = make(tmp_path / "{event}-{index}.mp4")
    seen = []

    for index in range(12):
        writer.consume(make_frame(index), "x" if index == 5 else None)
        seen.append(names(tmp_path)[0][0] if names(tmp_path) else "")
    writer.close()

    assert seen == [""] * 5 + ["."] * 6 + ["x"]


def test_streams_have_clips_of_their_own(tmp_path: Path) -> None:
    """An event of one stream is none of another."""
    writer = make(tmp_path / "{stream}-{index}.mp4")

    for index in range(10):
        writer.consume(make_frame(index, "a/1"), "x" if index == 5 else None)
        writer.consume(make_frame(index + 20, "b"), None)
    writer.end_stream("a/1", "finished")
    writer.end_stream("b", "finished")

    assert names(tmp_path) == ["a_1-5.mp4"]
    assert max(indices(tmp_path / "a_1-5.mp4")) == 9


def test_crossings_and_entries_are_events(tmp_path: Path) -> None:
    """Without ``when``, lines and zones name the clips; who leaves a zone makes none."""
    writer = EventClipWriter(tmp_path / "{event}-{index}.mp4", after_seconds=0)
    results = [
        (counts(num=0), zone_counts(kind="left")),
        (counts(), None),
        (None, zone_counts()),
    ]

    for index, (crossed, entered) in enumerate(results):
        writer.consume(make_frame(index), crossed, entered)
    writer.end_stream("door", "finished")

    assert names(tmp_path) == ["gate-in-1.mp4", "till-entered-2.mp4"]


def test_other_results_want_a_predicate(tmp_path: Path) -> None:
    """What tells no events is refused, with the way out."""
    writer = EventClipWriter(tmp_path / "{time}.mp4")

    with pytest.raises(OutputError, match="got Tracks, want Counts or ZoneCounts") as caught:
        writer.consume(make_frame(0), tracks())

    assert "when=" in str(caught.value.help)
    writer.close()


def test_memory_has_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Old pictures go when they are not needed, or do not fit, which is told once."""
    notes: list[str] = []
    monkeypatch.setattr(EventClipWriter, "note", lambda _, text: notes.append(text))
    roomy = make(tmp_path / "{time}.mp4", before_seconds=2)
    tight = make(tmp_path / "{time}.mp4", before_seconds=2, max_memory_bytes=1)

    for index in range(100):
        roomy.consume(make_frame(index), None)
        tight.consume(make_frame(index), None)

    roomy_groups = roomy._recorders["door"]._groups
    assert sum(map(len, roomy_groups)) <= 31
    assert sum(map(len, tight._recorders["door"]._groups)) <= 10
    assert roomy._recorders["door"].num_bytes == sum(
        len(p.data) for g in roomy_groups for p in g
    )
    assert [note for note in notes if "1 bytes hold only" in note] == notes[:1] == notes
    for writer in (roomy, tight):
        writer.close()


def test_a_frame_is_not_held(tmp_path: Path) -> None:
    """What a lent frame's memory becomes behind the call is not in the clip."""
    writer = make(tmp_path / "{index}.mp4")
    frame = make_frame(3)

    writer.consume(frame, "x")
    frame.buffer[:] = 255
    writer.end_stream("door", "finished")

    assert indices(tmp_path / "3.mp4") == [3]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        pytest.param("{time}.gif", "got the ending '.gif'", id="ending"),
        pytest.param("{camera}-{time}.mp4", "got {camera}, want only {stream}", id="place"),
        pytest.param("{event}.mp4", "want {time} or {index}", id="one-name"),
        pytest.param("{time.mp4", "got a single brace", id="brace"),
        pytest.param("file/{time}.mp4", "cannot be written", id="file-as-folder"),
    ],
)
def test_what_cannot_be_written_is_refused(tmp_path: Path, name: str, message: str) -> None:
    """The check says what came and what is wanted, before the flow starts."""
    (tmp_path / "file").touch()

    with pytest.raises(OutputError, match=message):
        make(tmp_path / name).check()


def test_a_second_stream_needs_a_name_of_its_own(tmp_path: Path) -> None:
    """Without {stream} two streams would mix."""
    writer = make(tmp_path / "{index}.mp4")
    writer.consume(make_frame(0, "a"), "x")

    with pytest.raises(OutputError, match="got frames of 'b', want those of 'a'"):
        writer.consume(make_frame(0, "b"), "x")
    writer.close()


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"nb_tasks": 2}, id="two-workers"),
        pytest.param({"before_seconds": -1}, id="time"),
        pytest.param({"max_seconds": 1}, id="too-short"),
    ],
)
def test_refuses_what_makes_no_sense(options: dict[str, Any]) -> None:
    """A wrong argument is refused when the node is made."""
    with pytest.raises(GraphError, match="want"):
        EventClipWriter("{time}.mp4", **options)
