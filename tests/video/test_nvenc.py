"""Films that NVENC encodes: a stand-in for the library reads the pictures, late."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import av
import pytest
import torch

from tests.clips import index_of, make_frame, read_frames
from tests.nvenc_stub import FakeEncoderStream, FakeNvenc, FakeTransfer
from videoflow.data import ColorSpec, Frame, Stamp
from videoflow.data.color import rgb_to_nv12
from videoflow.data.frame import Layout
from videoflow.errors import OutputError
from videoflow.video.encoding import EncoderOpener
from videoflow.video.probe import open_file
from videoflow.video.writer import VideoWriter


def make_writer(
    path: Path, library: FakeNvenc, *, stream: FakeEncoderStream | None = None, crf: float = 20
) -> VideoWriter:
    def fail(text: str) -> None:
        pytest.fail(text)

    opener = EncoderOpener(
        report=fail,
        probe=library.probe,
        make_stream=lambda _: stream or FakeEncoderStream(library),
        transfer=FakeTransfer(0),
    )
    return VideoWriter(path, crf=crf, num_threads=1, opener=opener)


def write_all(writer: VideoWriter, num_frames: int, layout: Layout = "nv12") -> None:
    for index in range(num_frames):
        writer.write(make_frame(index, layout=layout))
    writer.publish()


@pytest.mark.parametrize("num_frames", [1, 2, 260], ids=["one", "two", "second-keyframe"])
@pytest.mark.parametrize("encoder_delay", [0, 4])
@pytest.mark.parametrize("layout", ["nv12", "rgb"])
def test_what_is_written_is_read_again(
    tmp_path: Path, num_frames: int, encoder_delay: int, layout: Layout
) -> None:
    """Pictures, order and time survive, however many packets the encoder holds back."""
    path = tmp_path / "out.mp4"
    writer = make_writer(path, FakeNvenc(encoder_delay=encoder_delay))

    write_all(writer, num_frames, layout)

    frames = read_frames(path)
    assert [index_of(frame) for frame in frames] == [i % 10 for i in range(num_frames)]
    times = [frame.pts_seconds for frame in frames]
    assert times == pytest.approx([i / 10 for i in range(num_frames)])
    assert [child.name for child in tmp_path.iterdir()] == ["out.mp4"]


def test_a_browser_can_play_it(tmp_path: Path) -> None:
    """As from the CPU: H.264 4:2:0 as avc1, with the index in front of the pictures."""
    path = tmp_path / "out.mp4"
    writer = make_writer(path, FakeNvenc())

    write_all(writer, 5)

    data = path.read_bytes()
    with av.open(str(path)) as container:
        context = container.streams.video[0].codec_context
        described = (context.name, context.pix_fmt, context.codec_tag)
        keyframes = [p.is_keyframe for p in container.demux(video=0) if p.size]
    assert described == ("h264", "yuv420p", "avc1")
    assert data.index(b"moov") < data.index(b"mdat")
    assert keyframes == [True, False, False, False, False]


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_a_variable_frame_rate_stays_one(tmp_path: Path, suffix: str) -> None:
    """Frames keep their distances; the first is at 0, the last is as long as the one before."""
    times = [5.0, 5.1, 5.2, 35.0, 65.0, 65.4]
    path = tmp_path / f"out{suffix}"
    writer = make_writer(path, FakeNvenc(encoder_delay=2))

    for index, pts_seconds in enumerate(times):
        writer.write(make_frame(index, pts_seconds=pts_seconds))
    writer.publish()

    read = [frame.pts_seconds for frame in read_frames(path)]
    with open_file(path, num_threads=1) as decoder:
        duration = decoder.info.duration_seconds
    assert read == pytest.approx([time - 5.0 for time in times], abs=1e-3)
    assert duration == pytest.approx(60.4 + 0.4, abs=2e-3)


@pytest.mark.parametrize(
    "color",
    [
        ColorSpec(),
        ColorSpec("bt709"),
        ColorSpec("bt709", is_full_range=True),
        ColorSpec("bt601", is_full_range=True),
        ColorSpec("bt2020"),
    ],
    ids=str,
)
def test_colours_are_those_of_the_cpus_film(tmp_path: Path, color: ColorSpec) -> None:
    """The file says matrix and range itself, and a colourful picture comes out alike."""
    ramp = torch.arange(64, dtype=torch.uint8)
    rgb = torch.stack(
        [
            ramp.mul(4).expand(48, 64),
            ramp[:48, None].mul(5).expand(48, 64),
            255 - ramp.mul(4)[None].expand(48, 64),
        ]
    )
    planes = rgb_to_nv12(rgb[None], color)[0]
    frame = Frame(planes, Stamp("s", 0, 0.0, (48, 64)), "nv12", color)
    writers = [
        make_writer(tmp_path / "gpu.mp4", FakeNvenc(), crf=10),
        VideoWriter(tmp_path / "cpu.mp4", num_threads=1, crf=10),
    ]

    for writer in writers:
        writer.write(frame)
        writer.publish()

    (on_gpu,), (on_cpu,) = (read_frames(tmp_path / name) for name in ("gpu.mp4", "cpu.mp4"))
    assert on_gpu.color == on_cpu.color == color
    assert on_gpu.size_hw == on_cpu.size_hw
    difference = (on_gpu.rgb().float() - on_cpu.rgb().float()).abs()
    assert float(difference.mean()) < 3
    assert float((on_gpu.rgb().float() - rgb.float()).abs().mean()) < 8


@pytest.mark.parametrize(
    ("size_hw", "layout"), [((96, 64), "nv12"), ((24, 32), "nv12"), ((47, 63), "rgb")]
)
def test_a_later_size_is_fitted_into_the_first(
    tmp_path: Path, size_hw: tuple[int, int], layout: Layout
) -> None:
    """Frames of another size and colour are brought to the film's own where they are."""
    remarks: list[str] = []
    library = FakeNvenc()
    opener = EncoderOpener(
        report=remarks.append,
        probe=library.probe,
        make_stream=lambda _: FakeEncoderStream(library),
        transfer=FakeTransfer(0),
    )
    writer = VideoWriter(tmp_path / "out.mp4", opener=opener, report=remarks.append)

    writer.write(make_frame(8))
    writer.write(make_frame(8, size_hw=size_hw, layout=layout))
    writer.publish()

    first, second = read_frames(tmp_path / "out.mp4")
    assert first.size_hw == second.size_hw == (48, 64)
    assert float(second.rgb()[:, 24, 32].float().mean()) == pytest.approx(190, abs=4)
    assert opener.num_downloads == 0


def test_pictures_are_read_after_what_fills_them(tmp_path: Path) -> None:
    """What the caller's stream still has to do to a picture is done before NVENC reads it."""
    library = FakeNvenc()
    stream = FakeEncoderStream(library)
    writer = make_writer(tmp_path / "out.mp4", library, stream=stream)
    buffers = [torch.zeros(72, 64, dtype=torch.uint8) for _ in range(10)]

    for index, buffer in enumerate(buffers):
        frame = make_frame(index)
        stream.current.append(partial(buffer.copy_, frame.buffer))
        writer.write(Frame(buffer, frame.stamp))
    writer.publish()

    assert [index_of(frame) for frame in read_frames(tmp_path / "out.mp4")] == list(range(10))


@pytest.mark.parametrize("is_joined", [True, False], ids=["joined", "control"])
def test_memory_may_be_used_again(tmp_path: Path, is_joined: bool) -> None:
    """What the caller queues after ``write`` comes after NVENC's reading.

    The control is a stream that is not joined: there the stand-in does read too late.
    """
    library = FakeNvenc()
    stream = FakeEncoderStream(library, is_joined=is_joined)
    writer = make_writer(tmp_path / "out.mp4", library, stream=stream)
    buffer = torch.empty(72, 64, dtype=torch.uint8)

    for index in range(10):
        frame = make_frame(index)
        buffer.copy_(frame.buffer)
        writer.write(Frame(buffer, frame.stamp))
        buffer.fill_(255)  # as the next picture in the same slot
    writer.publish()

    read = [index_of(frame) for frame in read_frames(tmp_path / "out.mp4")]
    assert (read == list(range(10))) == is_joined


def test_each_call_is_joined_with_the_callers_stream(tmp_path: Path) -> None:
    """Encoding and the end stand between the two waits, and nothing stands outside."""
    library = FakeNvenc()
    writer = make_writer(tmp_path / "out.mp4", library)

    write_all(writer, 2)

    a_picture = ["turn", "encode", "read", "end of turn"]
    the_end = ["turn", "end encode", "end of turn"]
    assert library.events == ["create encoder", *a_picture, *a_picture, *the_end]


def test_the_session_is_asked_for_what_the_film_needs(tmp_path: Path) -> None:
    """A stream that is not the default one, the right GPU, no B-frames, key frames to seek."""
    library = FakeNvenc()
    writer = make_writer(tmp_path / "out.mp4", library, crf=23)

    writer.write(make_frame(0))
    writer.abort()

    (asked,) = library.created
    assert asked["cudastream"] == FakeEncoderStream.handle != 0
    assert (asked["gpu_id"], asked["size"], asked["codec"]) == (0, (64, 48), "h264")
    assert (asked["bf"], asked["gop"], asked["idrperiod"]) == (0, 250, 250)
    assert asked["preset"] == "P3"
    assert (asked["rc"], asked["constqp"]) == ("constqp", 23)


def test_an_older_file_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    """Giving up removes what was written and gives the session back."""
    path = tmp_path / "out.mp4"
    path.write_bytes(b"older")
    library = FakeNvenc()

    writer = make_writer(path, library)
    for index in range(3):
        writer.write(make_frame(index))
    writer.abort()
    library.run_queued()

    assert path.read_bytes() == b"older"
    assert [child.name for child in tmp_path.iterdir()] == ["out.mp4"]
    assert library.num_sessions == 0


def test_sessions_are_given_back_when_a_file_is_done(tmp_path: Path) -> None:
    """With one session, one file after the other is written by NVENC."""
    library = FakeNvenc(max_sessions=1)

    for number in range(3):
        writer = make_writer(tmp_path / f"{number}.mp4", library)
        writer.write(make_frame(number))
        writer.publish()

    assert [index_of(read_frames(tmp_path / f"{n}.mp4")[0]) for n in range(3)] == [0, 1, 2]
    assert library.num_sessions == 0


@pytest.mark.parametrize("at", [1, 3])
def test_a_session_that_fails_is_an_output_error(tmp_path: Path, at: int) -> None:
    """The library's own exceptions reach the user as an error of the file."""
    writer = make_writer(tmp_path / "out.mp4", FakeNvenc(encode_errors=frozenset({at})))

    message = r"out\.mp4.*: NVENC failed: .*nvEncLockBitstream.* returned error 8"
    with pytest.raises(OutputError, match=message) as caught:
        write_all(writer, 5)
    writer.abort()

    assert "encoder='cpu'" in str(caught.value.help)
    assert list(tmp_path.iterdir()) == []


def test_an_encoder_that_reorders_is_refused(tmp_path: Path) -> None:
    """Packets out of order would make a film that stutters; they end it with an error."""
    writer = make_writer(tmp_path / "out.mp4", FakeNvenc(num_b_frames=2))

    with pytest.raises(OutputError, match="cannot be written"):
        write_all(writer, 20)
    writer.abort()

    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_went_away_is_an_output_error(tmp_path: Path) -> None:
    """What the system says reaches the user with the file's name."""
    writer = make_writer(tmp_path / "gone" / "out.mp4", FakeNvenc())

    with pytest.raises(OutputError, match=r"out\.mp4.*cannot be written: No such file"):
        write_all(writer, 1)
    assert list(tmp_path.iterdir()) == []
