from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from videoflow.errors import GraphError, SourceError
from videoflow.producers import VideoReader
from videoflow.producers.video_reader import list_sources


@pytest.fixture
def cams(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cams"
    folder.mkdir()
    for name in ("b.mp4", "a.mp4", "notes.txt"):
        (folder / name).write_text("")
    (tmp_path / "odd[1].mp4").write_text("")
    monkeypatch.chdir(tmp_path)
    return folder


@pytest.mark.parametrize(
    ("source", "readers"),
    [
        pytest.param("door.mp4", ["VideoFileReader door"], id="file"),
        pytest.param(Path("door.mp4"), ["VideoFileReader door"], id="path"),
        pytest.param("cams", ["VideoFolderReader cams"], id="folder"),
        pytest.param("cams/*.mp4", ["VideoFileReader a", "VideoFileReader b"], id="pattern"),
        pytest.param("odd[1].mp4", ["VideoFileReader odd[1]"], id="name-like-a-pattern"),
        pytest.param("rtsp://cam:554/1", ["LiveReader cam"], id="url"),
        pytest.param("/dev/video0", ["LiveReader video0"], id="camera"),
        pytest.param(
            ["door.mp4", "cams", "rtsp://cam/1"],
            ["VideoFileReader door", "VideoFolderReader cams", "LiveReader cam"],
            id="several",
        ),
        pytest.param(
            ["a/cam.mp4", "b/cam.mp4", "cam-2.mp4", "rtsp://cam/1"],
            [
                "VideoFileReader cam",
                "VideoFileReader cam-2",
                "VideoFileReader cam-2-2",
                "LiveReader cam-3",
            ],
            id="one-name",
        ),
    ],
)
def test_each_source_gets_its_reader(source: Any, readers: list[str], cams: Path) -> None:
    """What somebody names is read by what can read it, one stream each, in a fixed order."""
    reader = VideoReader(source, device="cpu", name="eye")

    assert [f"{type(one).__name__} {one.stream}" for one in reader.parents] == readers
    assert {(one.name, one.options["device"]) for one in reader.parents} == {("eye", "cpu")}


@pytest.mark.parametrize(
    ("url", "max_reconnects"),
    [
        pytest.param("http://host/film.mp4", 0, id="file"),
        pytest.param("http://host/live.m3u8", None, id="live"),
    ],
)
def test_a_file_behind_a_url_is_read_once(url: str, max_reconnects: int | None) -> None:
    """A flow over a film ends with it; a camera is connected again."""
    (reader,) = VideoReader(url).parents

    assert vars(reader)["_max_reconnects"] == max_reconnects


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        pytest.param([], GraphError, "got source=[]", id="none"),
        pytest.param("", GraphError, "got source=''", id="empty"),
        pytest.param([3], GraphError, "got source=3, want a path or a URL", id="number"),
        pytest.param("cams/*.mov", SourceError, "fits no file", id="pattern-without-a-file"),
    ],
)
def test_no_source_is_refused(
    source: Any, error: type[Exception], message: str, cams: Path
) -> None:
    """Before anything starts."""
    with pytest.raises(error) as caught:
        list_sources(source)

    assert message in str(caught.value)
