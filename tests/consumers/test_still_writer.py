"""One picture of a stream as a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pictures import as_nv12, as_rgb, smooth_picture
from videoflow.consumers.still_writer import StillWriter
from videoflow.data import Frame, Stamp
from videoflow.errors import GraphError, OutputError
from videoflow.producers import ImageProducer


def frames(stream: str = "door") -> list[Frame]:
    """Return frames at 0, 0.5 and 1 s; each is lighter than the one before."""
    return [
        as_nv12(
            smooth_picture((48, 64)) // 3 + 60 * index,
            Stamp(stream, index, index / 2, (48, 64)),
        )
        for index in range(3)
    ]


def read(path: Path) -> Frame:
    reader = ImageProducer(path)
    reader.open()
    return reader.next()


@pytest.mark.parametrize(
    ("at_seconds", "index"),
    [
        pytest.param(0.0, 0, id="the first"),
        pytest.param(0.5, 1, id="exactly then"),
        pytest.param(0.6, 2, id="the next one"),
    ],
)
def test_the_first_frame_from_then_on_is_written(
    at_seconds: float, index: int, tmp_path: Path
) -> None:
    """One frame becomes a picture, and later ones leave it alone."""
    path = tmp_path / "new" / "still.png"
    writer = StillWriter(path, at_seconds=at_seconds)
    writer.check()

    for frame in frames():
        writer.consume(frame)
    writer.end_stream("door", "finished")

    assert read(path).rgb().equal(frames()[index].rgb())
    assert [file.name for file in path.parent.iterdir()] == ["still.png"]


def test_each_stream_has_its_picture(tmp_path: Path) -> None:
    """``{stream}`` names the files of several streams."""
    writer = StillWriter(tmp_path / "{stream}.png")

    for door, hall in zip(frames("door"), frames("hall"), strict=True):
        writer.consume(door)
        writer.consume(hall)

    assert sorted(file.name for file in tmp_path.iterdir()) == ["door.png", "hall.png"]


def test_streams_do_not_share_a_file(tmp_path: Path) -> None:
    """Two streams and one name are an error, not a race."""
    writer = StillWriter(tmp_path / "still.png")
    writer.consume(frames("door")[0])

    with pytest.raises(OutputError, match="got frames of 'hall', want those of 'door'"):
        writer.consume(frames("hall")[0])


def test_a_stream_that_is_too_short_is_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no frame was late enough there is no file, and the report says so."""
    writer = StillWriter(tmp_path / "still.png", at_seconds=9)
    notes: list[str] = []
    monkeypatch.setattr(StillWriter, "note", lambda _writer, text: notes.append(text))

    writer.consume(as_rgb(smooth_picture((48, 64))))
    writer.end_stream("camera", "finished")

    assert not list(tmp_path.iterdir())
    assert "not written, stream 'camera' had no frame at 9 s or later" in notes[0]


@pytest.mark.parametrize(
    ("path", "at_seconds"),
    [
        pytest.param("still.jpg", 0.0, id="another format"),
        pytest.param("still.png", -1.0, id="before the beginning"),
    ],
)
def test_nonsense_is_refused(path: str, at_seconds: float) -> None:
    """What cannot be is an error at once."""
    with pytest.raises(GraphError, match="still_writer"):
        StillWriter(path, at_seconds=at_seconds)


def test_a_folder_in_the_way_is_refused(tmp_path: Path) -> None:
    """A path that cannot be written is an error before anything starts."""
    (tmp_path / "still.png").mkdir()

    with pytest.raises(OutputError, match="is a folder"):
        StillWriter(tmp_path / "still.png").check()
