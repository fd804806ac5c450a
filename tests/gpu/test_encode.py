"""Films of frames on a real GPU are those of frames on the host, whoever encodes them."""

from __future__ import annotations

from pathlib import Path

import av
import pytest
import torch
from torch import Tensor

from tests.clips import read_frames, write_clip
from videoflow.consumers import VideoFileWriter
from videoflow.core import Flow
from videoflow.data import ColorSpec, Frame, Stamp
from videoflow.data.color import rgb_to_nv12
from videoflow.data.frame import Layout
from videoflow.producers import VideoFileReader
from videoflow.video.av.encoder import Preset
from videoflow.video.capabilities import choose_encoding, probe_video
from videoflow.video.encoding import EncoderOpener
from videoflow.video.writer import VideoWriter

pytestmark = pytest.mark.gpu

MAX_MEAN_DIFFERENCE = 3.0  # of two lossy encoders
SIZE_HW = (144, 256)
PRESETS: list[Preset] = ["ultrafast", "veryfast", "medium", "slow"]


@pytest.fixture
def nvenc() -> None:
    """Skip where no GPU encodes: H100, H200 and A100 have no NVENC."""
    way = choose_encoding(probe_video, "auto", gpu_index=0)
    if way.kind != "nvenc":
        pytest.skip(f"no NVENC: {way.reason}")


def rgb_picture(index: int, size_hw: tuple[int, int] = SIZE_HW) -> Tensor:
    """Return uint8 ``[3, H, W]``: ramps that move, other ones in each channel."""
    height, width = size_hw
    rows = torch.arange(height)[:, None] * 255 // height
    columns = torch.arange(width)[None] * 255 // width
    channels = [rows + 0 * columns, columns + 0 * rows, (rows + columns) // 2]
    shifted = [(channel + 8 * index).remainder(256) for channel in channels]
    return torch.stack([(255 - 2 * (c - 128).abs()).clamp(0, 255) for c in shifted]).byte()


def picture(
    index: int,
    *,
    device: str,
    size_hw: tuple[int, int] = SIZE_HW,
    layout: Layout = "nv12",
    color: ColorSpec | None = None,
) -> Frame:
    rgb, color = rgb_picture(index, size_hw), color or ColorSpec()
    buffer = rgb if layout == "rgb" else rgb_to_nv12(rgb[None], color)[0]
    return Frame(buffer.to(device), Stamp("s", index, index / 25, size_hw), layout, color)


def write(
    path: Path, frames: list[Frame], opener: EncoderOpener, preset: Preset = "veryfast"
) -> None:
    writer = VideoWriter(path, opener=opener, crf=18, preset=preset)
    for frame in frames:
        writer.write(frame)
    writer.publish()


def silent(encoder: str = "auto") -> EncoderOpener:
    def fail(text: str) -> None:
        pytest.fail(text)

    return EncoderOpener("cpu" if encoder == "cpu" else "auto", report=fail)


def assert_alike(path: Path, reference: Path) -> None:
    frames, wanted = read_frames(path), read_frames(reference)
    assert len(frames) == len(wanted) > 0
    for frame, want in zip(frames, wanted, strict=True):
        assert (frame.size_hw, frame.color) == (want.size_hw, want.color)
        assert frame.pts_seconds == pytest.approx(want.pts_seconds)
        difference = (frame.rgb().float() - want.rgb().float()).abs().mean()
        assert float(difference) < MAX_MEAN_DIFFERENCE


@pytest.mark.usefixtures("nvenc")
@pytest.mark.parametrize("layout", ["nv12", "rgb"])
@pytest.mark.parametrize(
    ("size_hw", "num_frames"), [(SIZE_HW, 30), ((1080, 1920), 5), ((146, 258), 30)], ids=str
)
def test_films_of_nvenc_are_those_of_the_cpu(
    tmp_path: Path, layout: Layout, size_hw: tuple[int, int], num_frames: int
) -> None:
    """Same count, times, size, colours and nearly the pixels, without a copy to the host."""
    opener = silent()
    gpu, cpu = (
        [picture(i, device=d, size_hw=size_hw, layout=layout) for i in range(num_frames)]
        for d in ("cuda", "cpu")
    )

    write(tmp_path / "gpu.mp4", gpu, opener)
    write(tmp_path / "cpu.mp4", cpu, silent())

    assert_alike(tmp_path / "gpu.mp4", tmp_path / "cpu.mp4")
    assert opener.num_downloads == 0


@pytest.mark.usefixtures("nvenc")
@pytest.mark.parametrize(
    "color",
    [ColorSpec("bt709"), ColorSpec("bt601", is_full_range=True), ColorSpec("bt2020")],
    ids=str,
)
def test_films_of_nvenc_say_their_colours(tmp_path: Path, color: ColorSpec) -> None:
    """Matrix and range in the file are those of the frames."""
    frames = [picture(i, device="cuda", color=color) for i in range(5)]

    write(tmp_path / "out.mp4", frames, silent())

    assert {frame.color for frame in read_frames(tmp_path / "out.mp4")} == {color}


@pytest.mark.usefixtures("nvenc")
def test_a_browser_can_play_films_of_nvenc(tmp_path: Path) -> None:
    """H.264 4:2:0 as avc1, with the index in front, a key frame first and every 250."""
    frames = [picture(i, device="cuda") for i in range(300)]

    write(tmp_path / "out.mp4", frames, silent())

    data = (tmp_path / "out.mp4").read_bytes()
    with av.open(str(tmp_path / "out.mp4")) as container:
        context = container.streams.video[0].codec_context
        described = (context.name, context.pix_fmt, context.codec_tag)
        packets = [packet for packet in container.demux(video=0) if packet.size]
    assert described == ("h264", "yuv420p", "avc1")
    assert data.index(b"moov") < data.index(b"mdat")
    assert {0, 250} <= {i for i, packet in enumerate(packets) if packet.is_keyframe}
    assert all(packet.pts == packet.dts for packet in packets)


@pytest.mark.usefixtures("nvenc")
@pytest.mark.parametrize("preset", PRESETS)
def test_each_preset_is_one_of_nvencs(tmp_path: Path, preset: Preset) -> None:
    """What is said for libx264 means something to NVENC."""
    frames = [picture(i, device="cuda") for i in range(10)]

    write(tmp_path / "out.mp4", frames, silent(), preset=preset)

    assert len(read_frames(tmp_path / "out.mp4")) == 10


@pytest.mark.parametrize("encoder", ["auto", "cpu"])
def test_memory_may_be_used_again(tmp_path: Path, encoder: str) -> None:
    """One slot for all frames: each is read before the next is put there, without a wait."""
    opener = EncoderOpener("cpu" if encoder == "cpu" else "auto", report=print)
    frames = [picture(i, device="cuda", size_hw=(720, 1280)) for i in range(30)]
    slot = torch.empty_like(frames[0].buffer)
    writer = VideoWriter(tmp_path / "out.mp4", opener=opener, crf=18)

    with torch.cuda.stream(torch.cuda.Stream()):  # type: ignore[no-untyped-call] # torch's own
        for frame in frames:
            slot.copy_(frame.buffer)
            writer.write(Frame(slot, frame.stamp))
            slot.fill_(255)
        writer.publish()

    write(tmp_path / "cpu.mp4", [frame_on_host(frame) for frame in frames], silent("cpu"))
    assert_alike(tmp_path / "out.mp4", tmp_path / "cpu.mp4")


@pytest.mark.parametrize("layout", ["nv12", "rgb"])
def test_downloaded_frames_make_the_same_film(tmp_path: Path, layout: Layout) -> None:
    """The CPU's film of frames on the GPU has the pixels of that of frames on the host."""
    opener = silent("cpu")
    gpu, cpu = (
        [picture(i, device=device, layout=layout) for i in range(20)]
        for device in ("cuda", "cpu")
    )

    write(tmp_path / "gpu.mp4", gpu, opener)
    write(tmp_path / "cpu.mp4", cpu, silent("cpu"))

    assert_alike(tmp_path / "gpu.mp4", tmp_path / "cpu.mp4")
    assert opener.num_downloads == 20


def test_a_gpu_without_nvenc_says_so(tmp_path: Path) -> None:
    """The film is there either way; without NVENC one note has the reason."""
    notes: list[str] = []
    opener = EncoderOpener(report=notes.append)

    for number in range(2):
        frames = [picture(i, device="cuda") for i in range(3)]
        write(tmp_path / f"{number}.mp4", frames, opener)

    has_nvenc = choose_encoding(probe_video, "auto", gpu_index=0).kind == "nvenc"
    assert len(notes) == (not has_nvenc)
    assert opener.num_downloads == (0 if has_nvenc else 6)
    assert [len(read_frames(tmp_path / f"{n}.mp4")) for n in range(2)] == [3, 3]


@pytest.mark.usefixtures("nvenc")
def test_more_films_than_sessions_are_all_written(tmp_path: Path) -> None:
    """What the driver refuses, the CPU encodes, and a note says so at most once."""
    notes: list[str] = []
    opener = EncoderOpener(report=notes.append)
    writers = [VideoWriter(tmp_path / f"{n}.mp4", opener=opener) for n in range(16)]

    for index in range(5):
        for writer in writers:
            writer.write(picture(index, device="cuda"))
    for writer in writers:
        writer.publish()

    assert [len(read_frames(tmp_path / f"{n}.mp4")) for n in range(16)] == [5] * 16
    assert len(notes) == (opener.num_downloads > 0)


@pytest.mark.usefixtures("nvenc")
def test_pictures_too_small_for_nvenc_are_encoded_on_the_cpu(tmp_path: Path) -> None:
    """A film of 64 x 48 is written, by whoever can."""
    notes: list[str] = []
    frames = [picture(i, device="cuda", size_hw=(48, 64)) for i in range(5)]

    write(tmp_path / "out.mp4", frames, EncoderOpener(report=notes.append))

    assert len(read_frames(tmp_path / "out.mp4")) == 5
    assert all("gave no session for 64 x 48" in note for note in notes)


@pytest.mark.nvdec
@pytest.mark.parametrize("device", ["auto", "cpu"], ids=["writer-on-gpu", "writer-on-host"])
def test_a_flow_transcodes(tmp_path: Path, device: str) -> None:
    """What is read on the GPU is written, frame by frame, wherever the writer is."""
    clip = write_clip(tmp_path / "clip.mp4", num_frames=100, size_hw=SIZE_HW)
    reader = VideoFileReader(clip, device="cuda")
    writer = VideoFileWriter(tmp_path / "out.mp4", device=device, crf=18)(reader)

    Flow([reader], [writer]).run().join(120)

    assert_alike(tmp_path / "out.mp4", clip)


@pytest.mark.usefixtures("nvenc")
def test_a_flow_encodes_frames_of_the_host_where_that_is_asked_for(tmp_path: Path) -> None:
    """With ``encoder="nvenc"`` they are uploaded, and the GPU encodes them."""
    clip = write_clip(tmp_path / "clip.mp4", num_frames=30, size_hw=SIZE_HW)
    reader = VideoFileReader(clip, device="cpu")
    writer = VideoFileWriter(tmp_path / "out.mp4", encoder="nvenc", crf=18)(reader)

    report = Flow([reader], [writer]).run().join(120)

    assert_alike(tmp_path / "out.mp4", clip)
    assert report.notes == ()


def frame_on_host(frame: Frame) -> Frame:
    return Frame(frame.buffer.cpu(), frame.stamp, frame.layout, frame.color)
