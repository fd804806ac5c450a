from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import cast

import av
import numpy as np
import pytest
import torch
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from tests.clips import index_of, write_clip, write_image
from tests.nvdec_stub import FakeStream
from videoflow.data import Frame, Stamp
from videoflow.errors import SourceError
from videoflow.video.av.acceleration import Acceleration, LibavCuda
from videoflow.video.av.decoder import VideoDecoder, _hwaccel, open_video
from videoflow.video.picture import Picture

AS_NV12 = [
    "av1_video.mkv",
    "bt601_limited_range.mp4",
    "bt709_full_range.mp4",
    "h265_video.mp4",
    "nasa_13013.mp4",
    "testsrc2_mpeg4.avi",
    "testsrc2_vp9.webm",
]
AS_RGB = [
    "h264_10bits.mp4",
    "testsrc2_12bit_hdr.mp4",
    "testsrc2_444_10bit_hevc.mp4",
    "testsrc2_odd_height_and_width_444.mp4",
    "testsrc2_odd_height_vp9.mp4",
    "testsrc2_odd_width_mpeg2.mp4",
    "testsrc2_odd_width_vp9_10bit.mp4",
]


def new_memory(shape: tuple[int, ...]) -> torch.Tensor:
    return torch.full(shape, 77, dtype=torch.uint8)


def to_frame(picture: Picture | None) -> Frame:
    assert picture is not None
    return picture.to_frame(Stamp("s", 0, 0.0, picture.size_hw), memory=new_memory)


def read_all(decoder: VideoDecoder) -> list[Picture]:
    return list(iter(decoder.read, None))


def first_pictures(path: Path, *, num: int) -> list[av.VideoFrame]:
    with av.open(str(path)) as container:
        stream = container.streams.best("video")
        assert isinstance(stream, VideoStream)
        frames = container.decode(stream)
        return [next(frames) for _ in range(num)]


@pytest.mark.parametrize("name", AS_NV12)
def test_planes_are_those_of_the_decoder(test_data: Path, name: str) -> None:
    """8-bit 4:2:0 arrives as NV12, each byte as the decoder gave it."""
    path = test_data / "decode" / name

    with open_video(f"file:{path}", num_threads=1) as decoder:
        frames = [to_frame(decoder.read()) for _ in range(3)]

    for frame, reference in zip(frames, first_pictures(path, num=3), strict=True):
        height, width = frame.size_hw
        y, u, v = (
            np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
            for plane in reference.planes
        )
        assert frame.layout == "nv12"
        assert np.array_equal(frame.buffer[:height], y[:height, :width])
        assert np.array_equal(frame.buffer[height:, 0::2], u[: height // 2, : width // 2])
        assert np.array_equal(frame.buffer[height:, 1::2], v[: height // 2, : width // 2])


@pytest.mark.parametrize("name", AS_RGB)
def test_all_else_arrives_as_rgb(test_data: Path, name: str) -> None:
    """More than 8 bits, 4:4:4 and odd sizes; test_pixels.py looks at the colours."""
    path = test_data / "decode" / name
    (reference,) = first_pictures(path, num=1)

    with open_video(f"file:{path}", num_threads=1) as decoder:
        frame = to_frame(decoder.read())

    assert frame.layout == "rgb"
    assert frame.size_hw == (reference.height, reference.width)


@pytest.mark.parametrize(
    ("name", "num_pictures", "first_pts_seconds"),
    [
        pytest.param("test_non_zero_start.mp4", 12, 127995 / 15360, id="non-zero-start"),
        pytest.param("discard_first_keyframe.mp4", 25, 0.0, id="first-keyframe-discarded"),
        pytest.param("testsrc2_vp9.webm", 30, 0.0, id="no-count-in-the-container"),
    ],
)
def test_whole_files_lose_nothing(
    test_data: Path, name: str, num_pictures: int, first_pts_seconds: float
) -> None:
    """A sound file delivers what it shows, from its own start, and reports no loss."""
    with open_video(f"file:{test_data / 'decode' / name}", num_threads=2) as decoder:
        pictures = read_all(decoder)
        loss = decoder.describe_loss()

    assert len(pictures) == num_pictures
    assert pictures[0].pts_seconds == pytest.approx(first_pts_seconds)
    assert loss is None


def test_old_codecs_are_read(test_data: Path) -> None:
    """Microsoft's MPEG-4 of the nineties in an AVI, with a time for each picture."""
    with open_video(f"file:{test_data / 'video' / 'vtest.avi'}", num_threads=1) as decoder:
        times = [
            picture.pts_seconds for picture in (decoder.read() for _ in range(5)) if picture
        ]

    assert (decoder.info.codec, decoder.info.num_frames) == ("msmpeg4", 795)
    assert times == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4])


@pytest.mark.parametrize("num_threads", [1, 2])
def test_a_truncated_file_delivers_its_beginning(tmp_path: Path, num_threads: int) -> None:
    """What is there is decoded, and the loss is told in numbers."""
    whole = write_clip(
        tmp_path / "whole.avi",
        num_frames=40,
        codec="mjpeg",
        pix_fmt="yuvj420p",
        size_hw=(240, 320),
    )
    cut = tmp_path / "cut.avi"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])

    with open_video(f"file:{cut}", num_threads=num_threads) as decoder:
        frames = [to_frame(picture) for picture in read_all(decoder)]
        loss = decoder.describe_loss()

    assert 5 < len(frames) < 35
    assert [index_of(frame) for frame in frames[:5]] == [0, 1, 2, 3, 4]
    assert loss is not None
    assert "of 40 announced frames are there" in loss


def test_damage_in_the_middle_does_not_end_a_file(test_data: Path, tmp_path: Path) -> None:
    """Packets of noise are counted; the pictures before and behind them are delivered."""
    data = bytearray((test_data / "decode" / "testsrc2.mp4").read_bytes())
    data[200_000:230_000] = np.random.default_rng(0).bytes(30_000)
    (tmp_path / "noise.mp4").write_bytes(data)

    with open_video(f"file:{tmp_path / 'noise.mp4'}", num_threads=1) as decoder:
        num_pictures = len(read_all(decoder))
        loss = decoder.describe_loss()

    assert 50 <= num_pictures < 60
    assert loss is not None
    assert "could not be decoded" in loss


class BreakingContainer:
    """A container whose source breaks after some packets, as a network does."""

    def __init__(self, container: InputContainer, *, num_packets: int) -> None:
        self._container = container
        self._num_packets = num_packets

    def demux(self, stream: VideoStream) -> Iterator[Packet[VideoStream]]:
        yield from islice(self._container.demux(stream), self._num_packets)
        raise av.error.TimeoutError(110, "Connection timed out")

    def __getattr__(self, name: str) -> object:
        return getattr(self._container, name)


@pytest.mark.parametrize("num_threads", [1, 2])
def test_a_source_that_breaks_delivers_what_it_had(tmp_path: Path, num_threads: int) -> None:
    """The pictures that the decoder still holds come out, then the end, and a remark."""
    clip = write_clip(tmp_path / "clip.mp4", num_frames=20)
    container = av.open(str(clip))
    stream = container.streams.video[0]
    stream.thread_type = "AUTO"
    stream.codec_context.thread_count = num_threads
    breaking = cast(InputContainer, BreakingContainer(container, num_packets=10))

    with VideoDecoder(breaking, stream, source="camera", as_rgb=False) as decoder:
        pictures = read_all(decoder)
        loss = decoder.describe_loss()

    assert len(pictures) == 10
    assert loss is not None
    assert "reading stopped with 'Connection timed out'" in loss


def test_a_change_of_size_in_mid_stream_goes_through(tmp_path: Path) -> None:
    """Each picture has the size it was coded in."""
    small = write_clip(tmp_path / "small.ts", size_hw=(48, 64), num_frames=5)
    large = write_clip(tmp_path / "large.ts", size_hw=(96, 128), num_frames=5)
    both = tmp_path / "both.ts"
    both.write_bytes(small.read_bytes() + large.read_bytes())

    with open_video(f"file:{both}", num_threads=1) as decoder:
        sizes = [to_frame(picture).size_hw for picture in read_all(decoder)]

    assert sizes == [(48, 64)] * 5 + [(96, 128)] * 5


def test_a_picture_that_is_held_keeps_its_pixels(tmp_path: Path) -> None:
    """Reading on does not overwrite a picture that somebody holds."""
    clip = write_clip(tmp_path / "clip.mp4", num_frames=10)

    with open_video(f"file:{clip}", num_threads=1) as decoder:
        pictures = read_all(decoder)
        shown = [index_of(to_frame(picture)) for picture in pictures]

    assert shown == list(range(10))


@pytest.mark.parametrize("as_rgb", [True, False])
def test_a_picture_is_turned_as_its_file_says(tmp_path: Path, as_rgb: bool) -> None:
    """A portrait that was stored lying, as phones do, stands up; in NV12 as in RGB."""
    lying = np.full((48, 64, 3), 30, np.uint8)
    lying[:, :32] = 230  # the left half, which is the upper half once it stands
    image = write_image(tmp_path / "lying.jpg", lying)
    data = image.read_bytes()
    image.write_bytes(data[:2] + exif_orientation(6) + data[2:])

    with open_video(f"file:{image}", num_threads=1, as_rgb=as_rgb) as decoder:
        frame = to_frame(decoder.read())

    assert frame.layout == ("rgb" if as_rgb else "nv12")
    assert frame.size_hw == (64, 48)
    assert float(frame.rgb()[:, :30].float().mean()) == pytest.approx(230, abs=3)
    assert float(frame.rgb()[:, 34:].float().mean()) == pytest.approx(30, abs=3)


def exif_orientation(value: int) -> bytes:
    """Return an APP1 segment with nothing but an orientation. Source: Exif 2.3, 4.6."""
    entry = (0x0112).to_bytes(2, "big") + b"\0\3" + (1).to_bytes(4, "big")
    ifd = b"\0\1" + entry + value.to_bytes(2, "big") + b"\0\0" + bytes(4)
    body = b"Exif\0\0" + b"MM\0*" + (8).to_bytes(4, "big") + ifd
    return b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body


def test_a_file_without_video_is_refused(tmp_path: Path) -> None:
    """Sound alone is no video, and the error says what came."""
    path = tmp_path / "sound.wav"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))

    with pytest.raises(SourceError, match=r"sound\.wav: got audio, want a video"):
        open_video(f"file:{path}", num_threads=1)


def test_a_text_that_ffmpeg_would_play_is_refused(tmp_path: Path) -> None:
    """A text file is not a video, though FFmpeg can play it as a typewriter."""
    path = tmp_path / "notes.txt"
    path.write_text("Nothing moves here.\n" * 200)

    with pytest.raises(SourceError, match=r"notes\.txt: got no moving picture, want a video"):
        open_video(f"file:{path}", num_threads=1)


def test_ffmpegs_decoder_works_in_the_context_of_torch() -> None:
    """It takes the current context: FFmpeg refuses a primary one that torch has in use."""
    wanted = _hwaccel(LibavCuda(0, FakeStream([])))

    assert wanted.options == {"primary_ctx": "0", "current_ctx": "1"}
    assert wanted.device_id == 0


def test_without_ffmpegs_decoder_on_the_gpu_the_cpu_goes_on(tmp_path: Path) -> None:
    """A GPU that FFmpeg cannot open costs a remark, and no picture."""
    notes: list[str] = []
    events: list[str] = []
    path = write_clip(tmp_path / "clip.mp4", num_frames=5)
    nowhere = LibavCuda(999, FakeStream(events))
    acceleration = Acceleration(cuda=nowhere, report=notes.append)

    with open_video(f"file:{path}", num_threads=1, acceleration=acceleration) as decoder:
        frames = [to_frame(picture) for picture in read_all(decoder)]

    assert [index_of(frame) for frame in frames] == [0, 1, 2, 3, 4]
    assert events == ["turn"]
    assert len(notes) == 1
    assert "clip.mp4: decoded on the CPU: FFmpeg gave no decoder on the GPU" in notes[0]


def test_titles_in_any_encoding_do_not_matter(tmp_path: Path) -> None:
    """Metadata that is no UTF-8 is nobody's error."""
    path = write_clip(tmp_path / "clip.mkv", num_frames=2)
    data = path.read_bytes()
    name = b"Lavf"
    assert name in data
    path.write_bytes(data.replace(name, b"L\xe4vf"))

    with open_video(f"file:{path}", num_threads=1) as decoder:
        assert len(read_all(decoder)) == 2
