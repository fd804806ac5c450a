from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.clips import index_of, write_clip
from tests.nvdec_stub import FakeLibrary, FakeStream
from videoflow.data import Frame, Stamp
from videoflow.errors import LeaseError
from videoflow.video.av.acceleration import Acceleration
from videoflow.video.av.decoder import VideoDecoder, open_video
from videoflow.video.nvdec_decoder import NvdecDecoder
from videoflow.video.nvdec_sessions import NvdecSessions
from videoflow.video.picture import Picture

EXACT = [
    "av1_video.mkv",
    "bt601_limited_range.mp4",
    "bt709_full_range.mp4",
    "discard_first_keyframe.mp4",
    "h265_video.mp4",
    "nasa_13013.mp4",
    "test_non_zero_start.mp4",
    "testsrc2_mpeg4.avi",
    "testsrc2_vp9.webm",
]
CONVERTED = [
    "h264_10bits.mp4",
    "nasa_13013_hdr.mp4",
    "testsrc2_12bit_hdr.mp4",
    "testsrc2_444_10bit_hevc.mp4",
    "testsrc2_odd_height_444.mp4",
    "testsrc2_odd_height_and_width_444_10bit.mp4",
    "testsrc2_odd_height_vp9.mp4",
    "testsrc2_odd_width_mpeg2.mp4",
    "testsrc2_odd_width_vp9_10bit.mp4",
]


class Opener:
    """Opens sources with the stand-in, all on one stream and with one pool of sessions."""

    def __init__(self, library: FakeLibrary) -> None:
        self.library = library
        self.stream = FakeStream(library.events)
        self.sessions = NvdecSessions(
            library.nvdec, gpu_index=0, stream_handle=self.stream.handle
        )
        self.notes: list[str] = []

    def open(self, path: Path) -> VideoDecoder:
        hardware = NvdecDecoder(self.sessions, self.stream)
        return open_video(
            f"file:{path}",
            num_threads=1,
            acceleration=Acceleration(hardware=hardware, report=self.notes.append),
        )

    def read(self, path: Path, *, at_most: int = 10**6) -> tuple[list[Frame], str | None]:
        with self.open(path) as decoder:
            return read_all(decoder, at_most=at_most), decoder.describe_loss()


@pytest.fixture
def library() -> FakeLibrary:
    return FakeLibrary()


@pytest.fixture
def opener(library: FakeLibrary) -> Opener:
    return Opener(library)


def to_frame(picture: Picture, index: int = 0) -> Frame:
    stamp = Stamp("s", index, picture.pts_seconds or 0.0, picture.size_hw)
    return picture.to_frame(stamp, memory=lambda shape: torch.zeros(shape, dtype=torch.uint8))


def read_all(decoder: VideoDecoder, *, at_most: int = 10**6) -> list[Frame]:
    def read() -> Iterator[Frame]:
        for index in range(at_most):
            picture = decoder.read()
            if picture is None:
                return
            yield to_frame(picture, index)

    return list(read())


def on_cpu(path: Path, *, at_most: int = 10**6) -> list[Frame]:
    with open_video(f"file:{path}", num_threads=1) as decoder:
        return read_all(decoder, at_most=at_most)


@pytest.mark.parametrize("name", EXACT)
def test_frames_are_those_of_the_cpu(test_data: Path, opener: Opener, name: str) -> None:
    """8-bit 4:2:0 of an even size: every byte, time, colour and the count are the same."""
    path = test_data / "decode" / name

    frames, loss = opener.read(path, at_most=40)

    want = on_cpu(path, at_most=40)
    assert opener.notes == []
    assert loss is None or len(frames) == 40
    assert len(frames) == len(want)
    assert [f.stamp for f in frames] == [f.stamp for f in want]
    assert {(f.layout, f.color) for f in frames} == {(f.layout, f.color) for f in want}
    # MPEG-4 leaves the rounding of its transform to the decoder, and the file names FFmpeg's.
    limit = 0.1 if name == "testsrc2_mpeg4.avi" else 0
    for frame, reference in zip(frames, want, strict=True):
        assert float((frame.buffer.float() - reference.buffer.float()).abs().mean()) <= limit


@pytest.mark.parametrize("name", CONVERTED)
def test_what_is_no_nv12_becomes_rgb_as_on_the_cpu(
    test_data: Path, opener: Opener, name: str
) -> None:
    """10 and 12 bit, 4:4:4 and odd sizes are RGB, in the mean 1.5 levels from the CPU's."""
    path = test_data / "decode" / name

    frames, _ = opener.read(path, at_most=5)

    want = on_cpu(path, at_most=5)
    assert opener.notes == []
    assert len(frames) == len(want) == 5
    for frame, reference in zip(frames, want, strict=True):
        assert frame.layout == reference.layout == "rgb"
        assert frame.stamp == reference.stamp
        difference = (frame.buffer.float() - reference.buffer.float()).abs()
        assert float(difference.mean()) <= 1.5


def test_a_picture_is_copied_before_the_next_call(
    tmp_path: Path, library: FakeLibrary, opener: Opener
) -> None:
    """Between two calls of the session all pictures of the first are copied, on its stream."""
    clip = write_clip(tmp_path / "clip.mp4", num_frames=12)

    frames, _ = opener.read(clip)

    calls = [e for e in library.events if e != "create"]
    assert [index_of(frame) for frame in frames] == [i % 10 for i in range(12)]
    assert calls.count("copy") == 12
    assert library.created[0]["cudastream"] == opener.stream.handle
    for event, following in pairwise(calls):
        if event == "turn":
            assert following == "copy"
        if event == "copy":
            assert following == "end of turn"


def test_a_picture_that_is_copied_too_late_is_refused(tmp_path: Path, opener: Opener) -> None:
    """After the next call its memory holds another picture: an error, not wrong pixels."""
    with opener.open(write_clip(tmp_path / "clip.mp4")) as decoder:
        first = decoder.read()
        decoder.read()
        assert first is not None

        with pytest.raises(LeaseError, match="copied after the next one"):
            to_frame(first)


def test_a_folder_of_one_kind_keeps_its_session(
    tmp_path: Path, library: FakeLibrary, opener: Opener
) -> None:
    """Files of one codec and size share a session, and each delivers all its frames."""
    clips = [write_clip(tmp_path / f"{i}.mp4", num_frames=5) for i in range(3)]

    shown = [[index_of(frame) for frame in opener.read(clip)[0]] for clip in clips]

    assert shown == [[0, 1, 2, 3, 4]] * 3
    assert (opener.sessions.num_made, opener.sessions.num_reused) == (1, 2)


@pytest.mark.parametrize(
    ("obeys", "refuses", "num_made"),
    [
        pytest.param(True, False, 1, id="resizes"),
        pytest.param(False, False, 3, id="scales-silently"),
        pytest.param(True, True, 3, id="refuses"),
    ],
)
def test_a_smaller_file_is_never_scaled(
    tmp_path: Path,
    library: FakeLibrary,
    opener: Opener,
    obeys: bool,
    refuses: bool,
    num_made: int,
) -> None:
    """A session is set to the smaller size; where that does not help, another one is made."""
    library.obeys_resizing, library.refuses_resizing = obeys, refuses
    large = write_clip(tmp_path / "large.mp4", size_hw=(96, 128), num_frames=5)
    small = write_clip(tmp_path / "small.mp4", size_hw=(48, 64), num_frames=5)

    frames = [frame for clip in (large, small, large) for frame in opener.read(clip)[0]]

    assert [frame.size_hw for frame in frames] == [(96, 128)] * 5 + [(48, 64)] * 5 + [
        (96, 128)
    ] * 5
    assert [index_of(frame) for frame in frames] == [0, 1, 2, 3, 4] * 3
    assert opener.sessions.num_made == num_made


@pytest.mark.parametrize(
    ("codec", "ending"),
    [("libx264", "ts"), ("libx265", "ts"), ("mpeg2video", "ts"), ("libvpx-vp9", "ivf")],
)
@pytest.mark.parametrize("sizes", [[(48, 64), (96, 128)], [(96, 128), (48, 64)]])
def test_a_change_of_size_in_mid_stream_goes_through(
    tmp_path: Path,
    opener: Opener,
    codec: str,
    ending: str,
    sizes: list[tuple[int, int]],
) -> None:
    """Each picture has the size it was coded in, whether it grows or shrinks; none is lost."""
    parts = [
        write_clip(tmp_path / f"{i}.{ending}", size_hw=size, num_frames=5, codec=codec)
        for i, size in enumerate(sizes)
    ]
    joined = tmp_path / f"joined.{ending}"
    behind = 32 if ending == "ivf" else 0  # the second file's own header
    joined.write_bytes(parts[0].read_bytes() + parts[1].read_bytes()[behind:])

    frames, _ = opener.read(joined)

    assert [frame.size_hw for frame in frames] == [sizes[0]] * 5 + [sizes[1]] * 5
    assert [index_of(frame) for frame in frames] == [0, 1, 2, 3, 4] * 2
    assert opener.notes == []


def test_a_change_of_depth_in_mid_stream_makes_another_session(
    tmp_path: Path, opener: Opener
) -> None:
    """A session cannot change its depth; 8 bits go on as NV12, 10 bits as RGB, none is lost."""
    parts = [
        write_clip(tmp_path / f"{p}.ts", num_frames=5, codec="libx265", pix_fmt=p)
        for p in ("yuv420p", "yuv420p10le")
    ]
    joined = tmp_path / "joined.ts"
    joined.write_bytes(b"".join(part.read_bytes() for part in parts))

    frames, loss = opener.read(joined)

    assert [frame.layout for frame in frames] == ["nv12"] * 5 + ["rgb"] * 5
    assert [index_of(frame) for frame in frames] == [0, 1, 2, 3, 4] * 2
    assert opener.sessions.num_made == 2
    assert loss is None


def test_a_parser_error_loses_pictures_and_not_the_stream(
    tmp_path: Path, library: FakeLibrary, opener: Opener
) -> None:
    """After an error a fresh session goes on at the next key frame; the loss is counted."""
    parts = [write_clip(tmp_path / f"{i}.ts", num_frames=5) for i in range(3)]
    joined = tmp_path / "joined.ts"
    joined.write_bytes(b"".join(part.read_bytes() for part in parts))
    library.parser_errors = frozenset({7})

    frames, loss = opener.read(joined)

    assert [index_of(frame) for frame in frames[-5:]] == [0, 1, 2, 3, 4]
    assert 8 <= len(frames) < 15
    assert loss is not None
    assert "packets could not be decoded" in loss
    assert opener.sessions.num_made == 2
    assert opener.notes == []


def test_a_decoder_that_always_fails_is_replaced(
    tmp_path: Path, library: FakeLibrary, opener: Opener
) -> None:
    """When sessions fail one after the other the CPU takes over, with one remark."""
    parts = [write_clip(tmp_path / f"{i}.ts", num_frames=5) for i in range(5)]
    joined = tmp_path / "joined.ts"
    joined.write_bytes(b"".join(part.read_bytes() for part in parts))
    library.parser_errors = frozenset(range(1000))

    frames, loss = opener.read(joined)

    assert [index_of(frame) for frame in frames] == [0, 1, 2, 3, 4] * 3
    (note,) = opener.notes
    assert "decoded on the CPU: NVDEC failed 3 times" in note
    assert loss is not None
    assert "packets could not be decoded" in loss


@pytest.mark.parametrize(
    ("name", "switches", "reason"),
    [
        pytest.param("av1_video.mkv", {"unsupported": ("AV1",)}, "not decode av1", id="av1"),
        pytest.param("testsrc2.mp4", {"max_size_hw": (512, 512)}, "got 1280 x 720", id="size"),
        pytest.param("testsrc2.mp4", {"has_nvcuvid": False}, "no session: Failed", id="driver"),
        pytest.param("testsrc2.mp4", {"num_gpus": 0}, "GPU ordinal out of range", id="gpu"),
    ],
)
def test_what_the_gpu_cannot_decode_the_cpu_does(
    test_data: Path,
    library: FakeLibrary,
    opener: Opener,
    name: str,
    switches: dict[str, Any],
    reason: str,
) -> None:
    """Not a picture is missing, and one remark says why and what to do."""
    for switch, value in switches.items():
        setattr(library, switch, value)
    path = test_data / "decode" / name

    frames, _ = opener.read(path, at_most=10)

    want = on_cpu(path, at_most=10)
    assert all(torch.equal(a.buffer, b.buffer) for a, b in zip(frames, want, strict=True))
    (note,) = opener.notes
    assert reason in note
    assert "\n  help: " in note


def test_old_codecs_are_decoded_on_the_cpu(test_data: Path, opener: Opener) -> None:
    """A codec that NVDEC never knew needs no question to the driver."""
    frames, _ = opener.read(test_data / "video" / "vtest.avi", at_most=3)

    assert len(frames) == 3
    assert "no GPU decodes msmpeg4" in opener.notes[0]
    assert opener.library.num_questions == 0


def test_the_driver_is_asked_once_for_each_kind(
    tmp_path: Path, library: FakeLibrary, opener: Opener
) -> None:
    """The question costs a CUDA context, so its answer is kept."""
    clip = write_clip(tmp_path / "clip.mp4")

    for _ in range(3):
        opener.read(clip)

    assert library.num_questions == 1


def test_a_damaged_file_delivers_what_the_cpu_delivers_about(
    test_data: Path, tmp_path: Path, opener: Opener, capsys: pytest.CaptureFixture[str]
) -> None:
    """Noise in the middle does not end a file; NVDEC only prints that it saw damage."""
    data = bytearray((test_data / "decode" / "testsrc2.mp4").read_bytes())
    data[200_000:230_000] = torch.randint(0, 256, (30_000,)).to(torch.uint8).numpy().tobytes()
    (tmp_path / "noise.mp4").write_bytes(data)

    frames, _ = opener.read(tmp_path / "noise.mp4")

    assert 40 <= len(frames) <= 60


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_turned_video_stands_as_on_the_cpu(
    tmp_path: Path, opener: Opener, turns: int, turned_clip: Callable[[int], Path]
) -> None:
    """A recording that a phone stored lying is turned on the GPU as on the CPU."""
    path = turned_clip(turns)

    frames, _ = opener.read(path)

    want = on_cpu(path)
    assert [f.size_hw for f in frames] == [(64, 48) if turns % 2 else (48, 64)] * len(want)
    assert all(torch.equal(a.buffer, b.buffer) for a, b in zip(frames, want, strict=True))


@pytest.fixture
def turned_clip(tmp_path: Path) -> Callable[[int], Path]:
    import av

    def write(turns: int) -> Path:
        path = tmp_path / "turned.mp4"
        with av.open(str(path), "w") as container:
            stream: Any = container.add_stream("libx264", rate=10)
            stream.height, stream.width, stream.pix_fmt = 48, 64, "yuv420p"
            stream.set_display_rotation(90 * turns)
            for index in range(4):
                picture = torch.zeros((48, 64, 3), dtype=torch.uint8)
                picture[:, : 10 + 4 * index] = 200
                picture[:10, :, 1] = 90
                frame = av.VideoFrame.from_ndarray(picture.numpy(), "rgb24")
                container.mux(stream.encode(frame.reformat(format="yuv420p")))
            container.mux(stream.encode(None))
        return path

    return write
