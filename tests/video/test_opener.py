from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.clips import index_of, write_clip
from tests.nvdec_stub import FakeLibrary, FakeStream, FakeUpload
from videoflow.data import Frame
from videoflow.errors import GraphError
from videoflow.video.capabilities import VideoCapabilities
from videoflow.video.nvdec import Nvdec, NvdecProblem
from videoflow.video.opener import VideoOpener
from videoflow.video.playlist import Playlist


def new_memory(shape: tuple[int, ...]) -> torch.Tensor:
    return torch.zeros(shape, dtype=torch.uint8)


def play(opener: VideoOpener, paths: list[Path]) -> list[Frame]:
    playlist = Playlist(paths, stream="s", opener=opener, report=lambda _: None)
    frames = list(iter(lambda: playlist.read(memory=new_memory), None))
    playlist.close()
    return frames


def test_a_reader_is_the_same_with_nvdec(tmp_path: Path) -> None:
    """A playlist of several files keeps index and time, and one session."""
    library = FakeLibrary()
    paths = [write_clip(tmp_path / f"{i}.mp4", num_frames=4, fps=10) for i in range(3)]
    opener = VideoOpener(
        device="auto",
        report=lambda text: pytest.fail(text),
        probe=lambda: VideoCapabilities(1, (), library.nvdec, True, True),
        make_stream=lambda _gpu, _is_own: FakeStream(library.events),
    )

    frames = play(opener, paths)

    assert [index_of(frame) for frame in frames] == [0, 1, 2, 3] * 3
    assert [frame.index for frame in frames] == list(range(12))
    assert [frame.pts_seconds for frame in frames] == pytest.approx([i / 10 for i in range(12)])
    assert library.events.count("create") == 1


def test_a_reader_decodes_on_its_own_gpu(tmp_path: Path) -> None:
    """Stream and session are those of the GPU that the plan gave it."""
    library = FakeLibrary(num_gpus=2)
    streams: list[tuple[int, bool]] = []

    def make_stream(gpu_index: int, is_own: bool) -> FakeStream:
        streams.append((gpu_index, is_own))
        return FakeStream(library.events)

    opener = VideoOpener(
        device="cuda:1",
        report=lambda text: pytest.fail(text),
        probe=lambda: VideoCapabilities(2, (), library.nvdec, True, True),
        make_stream=make_stream,
    )

    play(opener, [write_clip(tmp_path / "clip.mp4")])

    assert streams == [(1, True)]
    assert [options["gpuid"] for options in library.created] == [1]


def test_one_reason_is_one_remark(tmp_path: Path) -> None:
    """A folder of files that the GPU does not decode says so once."""
    library = FakeLibrary(unsupported=("MPEG4",))
    notes: list[str] = []
    paths = [write_clip(tmp_path / f"{i}.avi", num_frames=4, codec="mpeg4") for i in range(3)]
    opener = VideoOpener(
        device="cuda",
        report=notes.append,
        probe=lambda: VideoCapabilities(1, (), library.nvdec, True, True),
        make_stream=lambda _gpu, _is_own: FakeStream(library.events),
        upload_device=FakeUpload(),
    )

    frames = play(opener, paths)

    assert len(frames) == 12
    assert len(notes) == 1
    assert "this GPU does not decode mpeg4 420 of 8 bits" in notes[0]


def test_without_nvdec_each_picture_is_uploaded_once(tmp_path: Path) -> None:
    """As NV12, from two buffers in turn, each filled again only after its copy is done."""
    upload = FakeUpload()
    notes: list[str] = []
    opener = VideoOpener(
        device="auto",
        report=notes.append,
        probe=lambda: VideoCapabilities(
            1,
            ("libnvcuvid.so.1",),
            NvdecProblem("libnvcuvid.so.1 was not found", "x"),
            True,
            True,
        ),
        upload_device=upload,
    )

    frames = play(opener, [write_clip(tmp_path / "clip.mp4", num_frames=5)])

    assert [index_of(frame) for frame in frames] == [0, 1, 2, 3, 4]
    assert (opener.uploader.num_uploads, opener.uploader.num_bytes) == (5, 5 * 48 * 64 * 3 // 2)
    assert upload.events == [
        "buffer", "upload", "buffer", "upload",
        "wait 0", "upload", "wait 1", "upload", "wait 2", "upload",
    ]  # fmt: skip
    assert notes == [
        "decoded on the CPU and uploaded: no NVDEC by PyNvVideoCodec: "
        "libnvcuvid.so.1 was not found\n  help: x"
    ]


def test_the_cpu_is_taken_without_a_question(tmp_path: Path) -> None:
    """``device="cpu"`` looks for no GPU."""
    opener = VideoOpener(
        device="cpu",
        report=lambda text: pytest.fail(text),
        probe=lambda: pytest.fail("asked"),
    )

    assert len(play(opener, [write_clip(tmp_path / "clip.mp4", num_frames=5)])) == 5


def test_a_gpu_that_went_away_is_an_error(tmp_path: Path) -> None:
    """Who names a GPU is not given the CPU, also where nobody checked before."""
    opener = VideoOpener(
        device="cuda:1",
        report=lambda text: pytest.fail(text),
        probe=lambda: VideoCapabilities(1, (), Nvdec(FakeLibrary(), "package"), True, True),
    )

    with pytest.raises(GraphError, match="torch sees 1 GPUs"):
        opener.open_file(write_clip(tmp_path / "clip.mp4"))
