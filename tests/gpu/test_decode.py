"""Decoding on a real GPU gives what the CPU gives."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import torch

from tests.clips import index_of, write_clip
from videoflow.data import Frame
from videoflow.video.av.acceleration import Acceleration, LibavCuda
from videoflow.video.av.decoder import open_video
from videoflow.video.capabilities import DecodingKind, choose_decoding, probe_video
from videoflow.video.cuda_stream import TorchStream
from videoflow.video.nvdec import Nvdec, load_nvdec
from videoflow.video.opener import VideoOpener
from videoflow.video.playlist import Playlist

pytestmark = pytest.mark.gpu

MAX_MEAN_DIFFERENCE = 1.5
CLIPS = [
    "av1_video.mkv",
    "bt601_limited_range.mp4",
    "bt709_full_range.mp4",
    "discard_first_keyframe.mp4",
    "h264_10bits.mp4",
    "h265_video.mp4",
    "nasa_13013.mp4",
    "nasa_13013_hdr.mp4",
    "test_non_zero_start.mp4",
    "testsrc2.mp4",
    "testsrc2_12bit_hdr.mp4",
    "testsrc2_444_10bit_hevc.mp4",
    "testsrc2_444_12bit_hevc.mp4",
    "testsrc2_h265.mp4",
    "testsrc2_mpeg4.avi",
    "testsrc2_odd_height_444.mp4",
    "testsrc2_odd_height_and_width_444.mp4",
    "testsrc2_odd_height_and_width_444_10bit.mp4",
    "testsrc2_odd_height_and_width_vp9_10bit.mp4",
    "testsrc2_odd_height_vp9.mp4",
    "testsrc2_odd_height_vp9_10bit.mp4",
    "testsrc2_odd_width_mpeg2.mp4",
    "testsrc2_odd_width_vp9.mp4",
    "testsrc2_odd_width_vp9_10bit.mp4",
    "testsrc2_vp9.webm",
]


def play(paths: list[Path], *, device: str, at_most: int = 20) -> tuple[list[Frame], list[str]]:
    """Return frames in memory of the device, and the remarks."""
    where = torch.device(device)
    notes: list[str] = []
    opener = VideoOpener(device=device, report=notes.append)
    playlist = Playlist(paths, stream="s", opener=opener, report=notes.append)

    def memory(shape: tuple[int, ...]) -> torch.Tensor:
        return torch.empty(shape, dtype=torch.uint8, device=where)

    frames: list[Frame] = []
    while len(frames) < at_most:
        frame = playlist.read(memory=memory)
        if frame is None:
            break
        frames.append(frame)
    playlist.close()
    return frames, notes


def assert_same(frames: list[Frame], want: list[Frame]) -> None:
    assert len(frames) == len(want)
    for frame, reference in zip(frames, want, strict=True):
        assert frame.buffer.device.type == "cuda"
        assert (frame.layout, frame.color) == (reference.layout, reference.color)
        assert frame.size_hw == reference.size_hw
        assert frame.pts_seconds == pytest.approx(reference.pts_seconds)
        difference = (frame.rgb().cpu().float() - reference.rgb().float()).abs().mean()
        assert float(difference) < MAX_MEAN_DIFFERENCE


@pytest.mark.parametrize("name", CLIPS)
def test_frames_are_those_of_the_cpu(test_data: Path, name: str) -> None:
    """Each clip, by NVDEC or by what stands in for it: same count, times, form and pixels."""
    path = test_data / "decode" / name

    frames, notes = play([path], device="cuda")

    want, _ = play([path], device="cpu")
    assert_same(frames, want)
    print(name, notes or "by NVDEC")


@pytest.mark.nvdec
def test_h264_is_decoded_by_nvdec(test_data: Path) -> None:
    """What every GPU decodes is decoded on the GPU, without a remark."""
    frames, notes = play([test_data / "decode" / "testsrc2.mp4"], device="cuda")

    assert notes == []
    assert len(frames) == 20
    assert choose_decoding(probe_video(), "cuda").kind == "nvdec"


@pytest.mark.nvdec
def test_two_sizes_at_once(test_data: Path) -> None:
    """Two readers in two threads of one process do not touch each other's pictures."""
    names = ["testsrc2.mp4", "nasa_13013.mp4"]
    paths = [test_data / "decode" / name for name in names]
    results: dict[int, list[Frame]] = {}

    def run(number: int) -> None:
        results[number] = play([paths[number]], device="cuda", at_most=60)[0]

    threads = [threading.Thread(target=run, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    for number, path in enumerate(paths):
        assert_same(results[number], play([path], device="cpu", at_most=60)[0])


@pytest.mark.nvdec
def test_files_of_several_sizes_in_one_reader(tmp_path: Path) -> None:
    """A session that is used again gives every picture in its own size."""
    sizes = [(144, 256), (144, 256), (96, 128), (288, 512), (96, 128)]
    paths = [
        write_clip(tmp_path / f"{number}.mp4", size_hw=size, num_frames=6)
        for number, size in enumerate(sizes)
    ]

    frames, notes = play(paths, device="cuda", at_most=100)

    assert notes == []
    assert [frame.size_hw for frame in frames] == [size for size in sizes for _ in range(6)]
    assert [index_of(frame) for frame in frames] == list(range(6)) * len(sizes)


@pytest.mark.nvdec
@pytest.mark.parametrize("sizes", [[(96, 128), (144, 256)], [(144, 256), (96, 128)]])
def test_a_change_of_size_in_mid_stream_is_not_scaled(
    tmp_path: Path, sizes: list[tuple[int, int]]
) -> None:
    """Each picture has the size that it was coded in, and none is lost."""
    parts = [
        write_clip(tmp_path / f"{i}.ts", size_hw=size, num_frames=6)
        for i, size in enumerate(sizes)
    ]
    joined = tmp_path / "joined.ts"
    joined.write_bytes(b"".join(part.read_bytes() for part in parts))

    frames, notes = play([joined], device="cuda", at_most=100)

    assert notes == []
    assert [frame.size_hw for frame in frames] == [size for size in sizes for _ in range(6)]


@pytest.mark.nvdec
def test_the_package_loads_without_the_encoders_library(test_data: Path) -> None:
    """The extension module alone decodes; it is what a machine without NVENC has."""
    nvdec = load_nvdec(missing=lambda: ("libnvidia-encode.so.1",))

    assert isinstance(nvdec, Nvdec)
    assert nvdec.loading == "extension"
    assert nvdec.caps("h264", chroma="420", bit_depth=8).is_supported


@pytest.mark.nvdec
def test_frames_reach_the_host_too(test_data: Path) -> None:
    """Who wants host memory gets it filled when the call returns."""
    opener = VideoOpener(device="cuda", report=lambda text: pytest.fail(text))
    path = test_data / "decode" / "testsrc2.mp4"
    playlist = Playlist([path], stream="s", opener=opener, report=lambda _: None)

    frames = [
        playlist.read(memory=lambda shape: torch.empty(shape, dtype=torch.uint8))
        for _ in range(5)
    ]
    playlist.close()

    want, _ = play([path], device="cpu", at_most=5)
    for frame, reference in zip(frames, want, strict=True):
        assert frame is not None
        assert torch.equal(frame.buffer, reference.buffer)


@pytest.mark.parametrize(
    "kind",
    [pytest.param("libav-cuda", marks=[pytest.mark.nvdec, pytest.mark.hardware]), "upload"],
)
def test_the_other_ways_give_the_same(test_data: Path, kind: DecodingKind) -> None:
    """FFmpeg's decoder for NVDEC, and the CPU with an upload, fill memory of the GPU alike."""
    path = test_data / "decode" / "testsrc2.mp4"
    acceleration = Acceleration()
    if kind == "libav-cuda":
        cuda = LibavCuda(0, TorchStream(0, is_own=False))
        acceleration = Acceleration(cuda=cuda, report=lambda text: pytest.fail(text))
    frames: list[torch.Tensor] = []
    with open_video(f"file:{path}", num_threads=1, acceleration=acceleration) as decoder:
        for _ in range(5):
            picture = decoder.read()
            assert picture is not None
            out = torch.empty(picture.buffer_shape, dtype=torch.uint8, device="cuda")
            picture.copy_to(out)
            frames.append(out.cpu())

    want, _ = play([path], device="cpu", at_most=5)
    for frame, reference in zip(frames, want, strict=True):
        assert torch.equal(frame, reference.buffer)
