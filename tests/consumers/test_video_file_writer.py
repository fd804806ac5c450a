from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.nvenc_stub import FakeEncoderStream, FakeNvenc, FakeTransfer
from videoflow.consumers import VideoFileWriter, VideofileWriter
from videoflow.core.node import Ending
from videoflow.data import Frame, Stamp
from videoflow.errors import OutputError
from videoflow.video import capabilities, encoding
from videoflow.video.capabilities import EncoderName
from videoflow.video.encoding import EncoderOpener
from videoflow.video.probe import probe


def make_frame(stream: str, index: int = 0) -> Frame:
    buffer = torch.full((72, 64), 128, dtype=torch.uint8)
    return Frame(buffer, Stamp(stream, index, index / 10, (48, 64)))


@pytest.mark.parametrize("ending", ["finished", "stopped"])
def test_each_stream_gets_its_file_when_it_ends(tmp_path: Path, ending: Ending) -> None:
    """``{stream}`` names the files; each is there as soon as its own stream has ended."""
    writer = VideoFileWriter(tmp_path / "new" / "{stream}-out.mp4", num_threads=1)
    writer.check()
    writer.open()

    for index in range(3):
        writer.consume(make_frame("door", index))
        writer.consume(make_frame("hall", index))
    writer.end_stream("door", ending)
    after_first = sorted(path.name for path in (tmp_path / "new").glob("[!.]*"))
    writer.end_stream("hall", ending)
    writer.close()

    assert after_first == ["door-out.mp4"]
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == [
        "door-out.mp4",
        "hall-out.mp4",
    ]
    assert probe(tmp_path / "new" / "hall-out.mp4").num_frames == 3


@pytest.mark.parametrize("ending", ["failed", None])
def test_what_is_not_whole_is_not_published(tmp_path: Path, ending: Ending | None) -> None:
    """A stream that failed, or a flow that was torn down, leaves an older file as it was."""
    (tmp_path / "out.mp4").write_bytes(b"older")
    writer = VideoFileWriter(tmp_path / "out.mp4", num_threads=1)
    writer.check()

    writer.consume(make_frame("door"))
    if ending:
        writer.end_stream("door", ending)
    writer.close()

    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]
    assert (tmp_path / "out.mp4").read_bytes() == b"older"


@pytest.mark.parametrize("has_first_ended", [True, False])
def test_a_second_stream_needs_a_name_of_its_own(tmp_path: Path, has_first_ended: bool) -> None:
    """Its first frame is refused, also when the first stream's file is complete already."""
    writer = VideoFileWriter(tmp_path / "out.mp4", num_threads=1)

    writer.consume(make_frame("door"))
    if has_first_ended:
        writer.end_stream("door", "finished")

    with pytest.raises(
        OutputError, match="got frames of 'hall', want those of 'door'"
    ) as caught:
        writer.consume(make_frame("hall"))
    assert "{stream}" in str(caught.value.help)
    writer.close()


def test_frames_of_no_stream_of_the_flow_are_not_lost_silently(tmp_path: Path) -> None:
    """Frames whose stream never ends are an error that names both, and no file is left."""
    writer = VideoFileWriter(tmp_path / "{stream}.mp4", num_threads=1)

    writer.consume(make_frame("gate"))
    writer.end_stream("door", "finished")

    with pytest.raises(OutputError, match=r"got frames of 'gate', want a stream .*: door"):
        writer.close()
    assert list(tmp_path.iterdir()) == []


def test_a_name_with_a_slash_stays_in_the_folder(tmp_path: Path) -> None:
    """A stream's name can't choose another folder."""
    writer = VideoFileWriter(tmp_path / "{stream}.mp4", num_threads=1)

    writer.consume(make_frame("../gate/1"))
    writer.end_stream("../gate/1", "finished")

    assert [path.name for path in tmp_path.iterdir()] == [".._gate_1.mp4"]


def test_a_stream_without_frames_is_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is written, and the report says so."""
    notes: list[str] = []
    monkeypatch.setattr(VideoFileWriter, "note", lambda _, text: notes.append(text))
    writer = VideoFileWriter(tmp_path / "{stream}.mp4")

    writer.end_stream("door", "finished")

    assert list(tmp_path.iterdir()) == []
    assert notes == [f"{tmp_path / 'door.mp4'}: not written, its stream had no frame"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        pytest.param("folder.mp4", "got a folder, want the name of a file", id="folder"),
        pytest.param("out.gif", "got the ending '.gif'", id="ending"),
        pytest.param("{camera}.mp4", "got {camera}, want only {stream}", id="placeholder"),
        pytest.param("{}.mp4", "got {}, want only {stream}", id="nameless"),
        pytest.param("out{.mp4", "got a single brace", id="brace"),
        pytest.param("file/out.mp4", "cannot be made", id="file-as-folder"),
    ],
)
def test_what_cannot_be_written_is_refused_before_the_flow_starts(
    tmp_path: Path, name: str, message: str
) -> None:
    """The check says what came and what is wanted."""
    (tmp_path / "folder.mp4").mkdir()
    (tmp_path / "file").touch()

    with pytest.raises(OutputError, match=message):
        VideoFileWriter(tmp_path / name).check()


@pytest.mark.parametrize(
    ("encoder", "message"),
    [
        pytest.param("gpu", "encoder: got 'gpu', want one of auto, nvenc, cpu", id="unknown"),
        pytest.param("nvenc", "encoder: got 'nvenc', and there is none", id="not-there"),
    ],
)
def test_an_encoder_that_is_not_there_is_refused_before_the_flow_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoder: EncoderName, message: str
) -> None:
    """Who names an encoder gets it or an error with what to do."""
    monkeypatch.setattr(capabilities, "probe_video", FakeNvenc(num_encoders=0).probe)

    with pytest.raises(OutputError, match=message):
        VideoFileWriter(tmp_path / "out.mp4", encoder=encoder).check()


def test_frames_of_a_gpu_are_encoded_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each stream has a session; the files are published like those of the CPU."""
    library = FakeNvenc()
    notes = on_fake_gpu(monkeypatch, library)
    writer = VideoFileWriter(tmp_path / "{stream}.mp4")
    writer.check()

    for index in range(3):
        writer.consume(make_frame("door", index))
        writer.consume(make_frame("hall", index))
    for stream in ("door", "hall"):
        writer.end_stream(stream, "finished")
    writer.close()

    assert [probe(tmp_path / f"{name}.mp4").num_frames for name in ("door", "hall")] == [3, 3]
    assert library.events.count("create encoder") == 2
    assert notes == []


def test_downloads_are_told_with_their_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a GPU without encoders two notes say why, and how many frames were copied."""
    notes = on_fake_gpu(monkeypatch, FakeNvenc(num_encoders=0))
    writer = VideoFileWriter(tmp_path / "{stream}.mp4", num_threads=1)

    for index in range(3):
        writer.consume(make_frame("door", index))
        writer.consume(make_frame("hall", index))
    for stream in ("door", "hall"):
        writer.end_stream(stream, "finished")
    writer.close()

    assert len(notes) == 2
    assert notes[0].startswith("encoded on the CPU: this GPU has no encoder\n  help: ")
    assert notes[1].startswith("6 pictures")


def on_fake_gpu(monkeypatch: pytest.MonkeyPatch, library: FakeNvenc) -> list[str]:
    """Let all frames lie on a GPU with this library; return the notes to come."""
    notes: list[str] = []
    transfer = FakeTransfer(0)

    def make_opener(*args: Any, **options: Any) -> EncoderOpener:
        return EncoderOpener(
            *args,
            **options,
            probe=library.probe,
            make_stream=lambda _: FakeEncoderStream(library),
            transfer=transfer,
        )

    monkeypatch.setattr(encoding, "EncoderOpener", make_opener)
    monkeypatch.setattr(VideoFileWriter, "note", lambda _, text: notes.append(text))
    return notes


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_an_unwritable_folder_is_refused(tmp_path: Path) -> None:
    """The rights of the folder are looked at before the flow starts."""
    tmp_path.chmod(0o500)

    with pytest.raises(OutputError, match="may not be written"):
        VideoFileWriter(tmp_path / "out.mp4").check()


def test_the_old_spelling_is_the_same_class() -> None:
    """``VideofileWriter`` is an alias."""
    assert VideofileWriter is VideoFileWriter
