from __future__ import annotations

from pathlib import Path

import av
import pytest

from tests.clips import write_clip
from videoflow.errors import SourceError
from videoflow.video.probe import probe


def test_a_probe_tells_what_a_file_is(tmp_path: Path) -> None:
    """Codec, size, rate, length: what a plan and a progress bar need."""
    path = write_clip(tmp_path / "clip.mp4", num_frames=20, size_hw=(48, 64), fps=10)

    info = probe(path)

    assert (info.codec, info.size_hw, info.fps, info.num_frames) == ("h264", (48, 64), 10.0, 20)
    assert info.duration_seconds == pytest.approx(2.0)


def test_a_container_without_a_count_gets_an_estimate(tmp_path: Path) -> None:
    """Where only the duration is known, the count is duration times rate."""
    path = write_clip(tmp_path / "clip.mkv", num_frames=20, fps=10)

    assert probe(path).num_frames == pytest.approx(20, abs=1)


@pytest.mark.parametrize("name", ["a:b.mp4", "100%03d.mp4", "ünï cødé.mp4", "-i.mp4"])
def test_any_name_is_a_name(tmp_path: Path, name: str) -> None:
    """No character of a file's name is read as a protocol, a pattern or an option."""
    assert probe(write_clip(tmp_path / "clip.mp4").rename(tmp_path / name)).size_hw == (48, 64)


def make_missing(path: Path) -> None:
    pass


def make_folder(path: Path) -> None:
    path.mkdir()


def make_empty(path: Path) -> None:
    path.touch()


def make_text(path: Path) -> None:
    path.write_text("Nothing moves here.\n" * 200)


def make_cut_off(path: Path) -> None:
    write_clip(path)
    path.write_bytes(path.read_bytes()[: path.read_bytes().index(b"moov")])


def make_without_frames(path: Path) -> None:
    with av.open(str(path), "w", options={"movflags": "+empty_moov"}) as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.height, stream.width, stream.pix_fmt = 48, 64, "yuv420p"
        container.start_encoding()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(make_missing, "got no such file", id="missing"),
        pytest.param(make_folder, "got a folder, want a file", id="folder"),
        pytest.param(make_empty, "got an empty file", id="empty"),
        pytest.param(make_text, "cannot be opened", id="text"),
        pytest.param(make_cut_off, "cannot be opened", id="without-its-index"),
        pytest.param(make_without_frames, "no picture that can be decoded", id="no-frames"),
    ],
)
def test_what_cannot_be_played_is_refused(tmp_path: Path, make: object, message: str) -> None:
    """The error names the file, says what came, and how to help oneself."""
    path = tmp_path / "clip.mp4"
    assert callable(make)
    make(path)

    with pytest.raises(SourceError, match=message) as caught:
        probe(path)

    assert str(path) in caught.value.message
    assert caught.value.help
