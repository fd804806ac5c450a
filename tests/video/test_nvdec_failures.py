"""How PyNvVideoCodec 2.2.4 fails, and what becomes of it; the tests follow the table's order.

| what happens | what the library does | tests, by a part of their names |
|---|---|---|
| a library of NVIDIA's is missing | RuntimeError, ImportError at import | ``import`` |
| libnvcuvid is missing, no session left | RuntimeError; error 999 | ``cpu_does``, ``session`` |
| no such GPU; another codec or size | its own exception | ``cpu_does``, ``old_codecs`` |
| a missing or broken file, TLS | its own exception; blocks all | ``never_asked`` |
| parser or driver fail in mid-stream | its own exceptions | ``parser_error``, ``always`` |
| a damaged picture | prints; the picture looks good | ``damaged`` |
| a size within what was asked for | scales it to the first, silently | ``never_scaled`` |
| a size beyond that | error 801 | ``change_of_size`` |
| another depth or sampling | its own exception | ``change_of_kind`` |
| the next call, the session's end | memory is overwritten, freed | ``copied``, ``kept`` |

What surfaces say wrongly (8 bits for 10, a column too many) is in ``test_nvdec_decoder.py``.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.clips import index_of, write_clip
from tests.live_server import nobody
from tests.nvdec_source import Opener, on_cpu, read_all, to_frame
from tests.nvdec_stub import (
    FakeLibrary,
    FakeStream,
    PyNvVCException,
    PyNvVCExceptionUnsupported,
)
from videoflow.errors import LeaseError, SourceError
from videoflow.video.capabilities import DecodingKind, VideoCapabilities, choose_decoding
from videoflow.video.nvdec import Nvdec, NvdecProblem, load_nvdec
from videoflow.video.opener import VideoOpener

CUDA, CUVID, ENCODE = "libcuda.so.1", "libnvcuvid.so.1", "libnvidia-encode.so.1"

# What the package raises, word for word (first lines).
NO_ENCODER = RuntimeError(
    "Failed to load NVENC library: libnvidia-encode.so.1: cannot open shared object file: No "
    "such file or directory\n\n=== TROUBLESHOOTING STEPS ===\n"
)
NO_CUDA = ImportError("libcuda.so.1: cannot open shared object file: No such file or directory")


@pytest.fixture
def library() -> FakeLibrary:
    return FakeLibrary()


@pytest.fixture
def opener(library: FakeLibrary) -> Opener:
    return Opener(library)


# The import


@pytest.mark.parametrize(
    ("missing", "error", "reason", "advice", "kind"),
    [
        pytest.param(
            (CUDA, CUVID, ENCODE),
            None,
            "libcuda.so.1 was not",
            "--gpus all",
            "cpu",
            id="driver",
        ),
        pytest.param(
            (CUVID, ENCODE),
            None,
            "libnvcuvid.so.1 was not",
            "utility,video",
            "upload",
            id="video",
        ),
        pytest.param(
            (CUVID,), None, "libnvcuvid.so.1 was not", "DRIVER_CAPAB", "upload", id="cuvid"
        ),
        pytest.param(
            (), NO_ENCODER, "libnvidia-encode.so.1 was not", "video", "libav-cuda", id="encoder"
        ),
        pytest.param((), NO_CUDA, "libcuda.so.1 was not", "driver", "libav-cuda", id="cuda"),
        pytest.param(
            (),
            RuntimeError("Driver version is too old"),
            "too old",
            "newer driver",
            "libav-cuda",
            id="old",
        ),
        pytest.param(
            (),
            ModuleNotFoundError("No module named 'PyNvVideoCodec'"),
            "No module named",
            "pip install PyNvVideoCodec",
            "libav-cuda",
            id="not-installed",
        ),
        pytest.param(
            (),
            ValueError("what is this\nmore"),
            "cannot be loaded: what is this",
            "doctor",
            "libav-cuda",
            id="unheard-of",
        ),
        pytest.param(
            (ENCODE,),
            ImportError("libavformat.so.63: cannot open"),
            "cannot be loaded: libavformat",
            "doctor",
            "libav-cuda",
            id="extension",
        ),
    ],
)
def test_a_failing_import_is_a_reason_and_the_next_way_down(
    missing: tuple[str, ...],
    error: Exception | None,
    reason: str,
    advice: str,
    kind: DecodingKind,
) -> None:
    """Nothing is imported where a library is missing, and no error escapes: a line says why."""

    def load() -> Any:
        if error is None:
            pytest.fail("imported")
        raise error

    nvdec = load_nvdec(
        missing=lambda: missing,
        import_package=load if ENCODE not in missing else lambda: pytest.fail("imported"),
        load_extension=load,
    )

    assert isinstance(nvdec, NvdecProblem)
    assert reason in nvdec.reason
    assert "\n" not in nvdec.reason
    assert advice in nvdec.help
    found = VideoCapabilities(int(CUDA not in missing), missing, nvdec, True, True)
    assert choose_decoding(found, "auto").kind == kind


def test_the_import_that_needs_an_encoder_is_gone_round() -> None:
    """Where only the encoder's library is missing the extension is loaded, and it decodes."""
    library = FakeLibrary()

    nvdec = load_nvdec(
        missing=lambda: (ENCODE,),
        import_package=lambda: pytest.fail("imported"),
        load_extension=lambda: library,
    )

    assert nvdec == Nvdec(library, "extension")
    found = VideoCapabilities(1, (ENCODE,), nvdec, True, True)
    assert choose_decoding(found, "auto").kind == "nvdec"


# The session


@pytest.mark.parametrize(
    ("name", "switches", "reason"),
    [
        pytest.param("av1_video.mkv", {"unsupported": ("AV1",)}, "not decode av1", id="codec"),
        pytest.param("testsrc2.mp4", {"max_size_hw": (512, 512)}, "got 1280 x 720", id="size"),
        pytest.param("testsrc2.mp4", {"has_nvcuvid": False}, "no session: Failed", id="caps"),
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


def test_a_session_that_cannot_be_made_is_a_remark(
    tmp_path: Path, library: FakeLibrary, opener: Opener
) -> None:
    """The driver said yes and gives no session all the same (999): the CPU decodes."""
    clip = write_clip(tmp_path / "clip.mp4", num_frames=5)
    opener.read(clip)
    opener.sessions.close()
    library.has_nvcuvid = False

    frames, _ = opener.read(clip)

    assert [index_of(frame) for frame in frames] == [0, 1, 2, 3, 4]
    (note,) = opener.notes
    assert "NVDEC gave no session: HandleVideoSequence : error 999" in note


def test_a_session_is_asked_for_all_that_matters(
    tmp_path: Path, library: FakeLibrary, opener: Opener
) -> None:
    """On torch's context and our stream, in device memory, as NV12, without what leaks.

    Left to itself the library decodes to host memory, on the default stream with a wait for
    each picture; ``enableasyncallocations`` leaks and ``enableSEIMessage`` writes files.
    """
    opener.read(write_clip(tmp_path / "clip.mp4", size_hw=(48, 64)))

    assert library.created == [
        {
            "gpuid": 0,
            "codec": "H264",
            "cudacontext": 0,
            "cudastream": opener.stream.handle,
            "usedevicememory": True,
            "maxwidth": 64,
            "maxheight": 48,
            "outputColorType": library.OutputColorType.NATIVE,
        }
    ]


# The source


def accelerated(library: FakeLibrary) -> VideoOpener:
    return VideoOpener(
        device="cuda",
        report=lambda text: pytest.fail(text),
        probe=lambda: VideoCapabilities(1, (), library.nvdec, True, True),
        make_stream=lambda _gpu, _is_own: FakeStream(library.events),
    )


@pytest.mark.parametrize(
    "content", [None, b"", b"no video at all" * 99], ids=["missing", "empty", "garbage"]
)
def test_for_a_broken_file_the_library_is_never_asked(
    tmp_path: Path, library: FakeLibrary, content: bytes | None
) -> None:
    """A file that is no video is an error of ours that names it, and costs no session."""
    path = tmp_path / "film.mp4"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(SourceError, match=r"film\.mp4"):
        accelerated(library).open_file(path)

    assert library.events == []


@pytest.mark.parametrize("scheme", ["http", "https", "rtmps", "rtsps"])
def test_for_a_protocol_the_library_is_never_asked(library: FakeLibrary, scheme: str) -> None:
    """Its own demuxer has no TLS and no time-out; sources are opened by one that has."""
    with nobody() as url, pytest.raises(SourceError, match="Connection refused"):
        accelerated(library).open_url(
            url.replace("http", scheme, 1), timeout_seconds=5, options={}
        )

    assert library.events == []


# The stream


@pytest.mark.parametrize(
    "exception", [PyNvVCException, PyNvVCExceptionUnsupported, RuntimeError]
)
def test_a_parser_error_loses_pictures_and_not_the_stream(
    tmp_path: Path, library: FakeLibrary, opener: Opener, exception: type[Exception]
) -> None:
    """After an error a fresh session goes on at the next key frame; the loss is counted."""
    parts = [write_clip(tmp_path / f"{i}.ts", num_frames=5) for i in range(3)]
    joined = tmp_path / "joined.ts"
    joined.write_bytes(b"".join(part.read_bytes() for part in parts))
    library.parser_errors = frozenset({7})
    library.parser_exception = exception

    frames, loss = opener.read(joined)

    assert [index_of(frame) for frame in frames[-5:]] == [0, 1, 2, 3, 4]
    assert 8 <= len(frames) < 15
    assert loss is not None
    assert "packets could not be decoded" in loss
    assert opener.sessions.num_made == 2
    assert opener.notes == []


def test_a_parser_error_now_and_then_leaves_the_gpu_at_work(
    tmp_path: Path, library: FakeLibrary, opener: Opener
) -> None:
    """Only errors one after the other, without a picture in between, count together."""
    parts = [write_clip(tmp_path / f"{i}.ts", num_frames=5) for i in range(5)]
    joined = tmp_path / "joined.ts"
    joined.write_bytes(b"".join(part.read_bytes() for part in parts))
    library.parser_errors = frozenset({5, 10, 15, 20})

    frames, _ = opener.read(joined)

    assert [index_of(frame) for frame in frames[-5:]] == [0, 1, 2, 3, 4]
    assert library.events.count("create") > 3
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


def test_the_cpu_goes_on_at_a_key_frame(
    tmp_path: Path, library: FakeLibrary, opener: Opener
) -> None:
    """Up to the next one packets are lost, and counted; nothing half decoded comes out."""
    parts = [write_clip(tmp_path / f"{i}.ts", num_frames=5) for i in range(5)]
    joined = tmp_path / "joined.ts"
    joined.write_bytes(b"".join(part.read_bytes() for part in parts))
    library.parser_errors = frozenset({2, 4, 6})  # the second packet that each session gets

    frames, loss = opener.read(joined)

    assert [index_of(frame) for frame in frames] == [0, 1, 2, 3, 4] * 2
    assert "decoded on the CPU: NVDEC failed 3 times" in opener.notes[0]
    assert loss is not None
    assert "12 packets could not be decoded" in loss


def test_a_damaged_picture_is_only_printed_and_the_film_goes_on(
    test_data: Path, tmp_path: Path, opener: Opener, capsys: pytest.CaptureFixture[str]
) -> None:
    """Noise in the middle does not end a file: as many pictures as on the CPU, about."""
    data = bytearray((test_data / "decode" / "testsrc2.mp4").read_bytes())
    data[200_000:230_000] = torch.randint(0, 256, (30_000,)).to(torch.uint8).numpy().tobytes()
    (tmp_path / "noise.mp4").write_bytes(data)

    frames, _ = opener.read(tmp_path / "noise.mp4")

    assert "Decode Error occurred" in capsys.readouterr().out
    assert 40 <= len(frames) <= 60
    assert opener.notes == []


@pytest.mark.parametrize("size_hw", [(48, 64), (96, 64), (48, 128)])
@pytest.mark.parametrize(
    ("obeys", "refuses", "num_made"),
    [
        pytest.param(True, False, 1, id="resizes"),
        pytest.param(False, False, 4, id="scales-silently"),
        pytest.param(True, True, 4, id="refuses"),
    ],
)
def test_a_smaller_file_is_never_scaled(
    tmp_path: Path,
    library: FakeLibrary,
    opener: Opener,
    size_hw: tuple[int, int],
    obeys: bool,
    refuses: bool,
    num_made: int,
) -> None:
    """A session is set to the smaller size; where that once fails, others are made instead."""
    library.obeys_resizing, library.refuses_resizing = obeys, refuses
    large = write_clip(tmp_path / "large.mp4", size_hw=(96, 128), num_frames=5)
    small = write_clip(tmp_path / "small.mp4", size_hw=size_hw, num_frames=5)

    frames = [frame for clip in (large, small) * 2 for frame in opener.read(clip)[0]]

    sizes = [(96, 128)] * 5 + [size_hw] * 5
    assert [frame.size_hw for frame in frames] == sizes * 2
    assert [index_of(frame) for frame in frames] == [0, 1, 2, 3, 4] * 4
    assert library.events.count("resize") == (3 if num_made == 1 else 1)
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


@pytest.mark.parametrize(
    ("codec", "formats", "layouts"),
    [
        pytest.param("libx265", ("yuv420p", "yuv420p10le"), ("nv12", "rgb"), id="deeper"),
        pytest.param("libx265", ("yuv420p10le", "yuv420p"), ("rgb", "nv12"), id="flatter"),
        pytest.param("libx264", ("yuv420p", "yuv444p"), ("nv12", "rgb"), id="sampling"),
    ],
)
def test_a_change_of_kind_in_mid_stream_makes_another_session(
    tmp_path: Path,
    opener: Opener,
    codec: str,
    formats: tuple[str, str],
    layouts: tuple[str, str],
) -> None:
    """A session cannot change its depth or sampling: another one goes on, none is lost."""
    parts = [
        write_clip(tmp_path / f"{p}.ts", num_frames=5, codec=codec, pix_fmt=p) for p in formats
    ]
    joined = tmp_path / "joined.ts"
    joined.write_bytes(b"".join(part.read_bytes() for part in parts))

    frames, loss = opener.read(joined)

    assert [frame.layout for frame in frames] == [layouts[0]] * 5 + [layouts[1]] * 5
    assert [index_of(frame) for frame in frames] == [0, 1, 2, 3, 4] * 2
    assert opener.sessions.num_made == 2
    assert loss is None


# The picture


def test_a_picture_is_copied_before_the_next_call(
    tmp_path: Path, library: FakeLibrary, opener: Opener
) -> None:
    """Between two calls of the session all pictures of the first are copied, on its stream."""
    clip = write_clip(tmp_path / "clip.mp4", num_frames=12)

    frames, _ = opener.read(clip)

    calls = [e for e in library.events if e != "create"]
    assert [index_of(frame) for frame in frames] == [i % 10 for i in range(12)]
    assert calls.count("copy") == 12
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


def test_a_picture_kept_beyond_its_session_is_refused(tmp_path: Path, opener: Opener) -> None:
    """With the session its memory goes, also while somebody holds a view of it."""
    with opener.open(write_clip(tmp_path / "clip.mp4")) as decoder:
        first = decoder.read()
        assert first is not None
    opener.sessions.close()

    with pytest.raises(LeaseError, match="copied after the next one"):
        to_frame(first)


def test_frames_that_are_kept_own_their_pixels(tmp_path: Path, opener: Opener) -> None:
    """Nothing of a frame lies in the session's memory, which is overwritten and freed."""
    with opener.open(write_clip(tmp_path / "clip.mp4", num_frames=10)) as decoder:
        frames = read_all(decoder)
    opener.sessions.close()

    assert [index_of(frame) for frame in frames] == list(range(10))
