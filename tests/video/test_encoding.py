"""Which encoder is taken, and how pictures come to it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.clips import index_of, make_frame, read_frames
from tests.nvenc_stub import FakeEncoderStream, FakeNvenc, FakeTransfer
from videoflow.data import Frame
from videoflow.errors import OutputError
from videoflow.video.capabilities import EncoderName
from videoflow.video.encoding import EncoderOpener
from videoflow.video.writer import VideoWriter


class Bench:
    """A node's opener with everything around it recorded."""

    def __init__(
        self,
        encoder: EncoderName = "auto",
        *,
        library: FakeNvenc | None = None,
        gpu_index: int | None = 0,
        default_gpu: int = 0,
    ) -> None:
        self.library = library or FakeNvenc()
        self.transfer = FakeTransfer(gpu_index)
        self.notes: list[str] = []
        self.opener = EncoderOpener(
            encoder,
            default_gpu=default_gpu,
            report=self.notes.append,
            probe=self.library.probe,
            make_stream=lambda _: FakeEncoderStream(self.library),
            transfer=self.transfer,
        )

    def write(self, path: Path, places: list[int | None]) -> list[int]:
        """Write one frame for each place that frames lie in; return what the film shows."""
        writer = VideoWriter(path, num_threads=1, opener=self.opener)
        for index, place in enumerate(places):
            self.transfer.gpu_index = place
            writer.write(make_frame(index))
        writer.publish()
        return [index_of(frame) for frame in read_frames(path)]

    @property
    def num_sessions_made(self) -> int:
        return self.library.events.count("create encoder")


@pytest.mark.parametrize(
    ("places", "is_nvenc", "copies"),
    [
        pytest.param([None] * 3, False, [], id="host"),
        pytest.param([0] * 3, True, [], id="gpu"),
        pytest.param([0, None, 0], True, ["upload to 0"], id="gpu-host-gpu"),
        pytest.param([0, 1], True, ["upload to 0"], id="two-gpus"),
        pytest.param([None, 0, None], False, ["buffer", "download"], id="host-gpu-host"),
    ],
)
def test_the_first_frame_decides_where_a_film_is_encoded(
    tmp_path: Path, places: list[int | None], is_nvenc: bool, copies: list[str]
) -> None:
    """Later frames that lie elsewhere are copied to the encoder, and all are in the film."""
    bench = Bench(library=FakeNvenc(num_gpus=2))

    shown = bench.write(tmp_path / "out.mp4", places)

    assert shown == list(range(len(places)))
    assert bool(bench.num_sessions_made) == is_nvenc
    assert bench.transfer.events == copies
    assert bench.notes == []


@pytest.mark.parametrize(
    ("library", "encoder", "reason"),
    [
        pytest.param(FakeNvenc(num_encoders=0), "auto", "this GPU has no encoder", id="h100"),
        pytest.param(
            FakeNvenc(max_sessions=0),
            "auto",
            "gave no session for 64 x 48: m_nvenc.nvEncOpenEncodeSessionEx",
            id="sessions",
        ),
        pytest.param(
            FakeNvenc(min_encoded_hw=(64, 160)),
            "auto",
            "gave no session for 64 x 48: m_nvenc.nvEncInitializeEncoder",
            id="size",
        ),
        pytest.param(FakeNvenc(num_gpus=0), "auto", "torch can use no GPU", id="no-gpu"),
        pytest.param(FakeNvenc(), "cpu", None, id="cpu-asked-for"),
    ],
)
def test_what_nvenc_does_not_encode_is_downloaded(
    tmp_path: Path, library: FakeNvenc, encoder: EncoderName, reason: str | None
) -> None:
    """One download a frame through one buffer a film; one note says why, one counts them."""
    bench = Bench(encoder, library=library)

    shown = [bench.write(tmp_path / f"{n}.mp4", [0] * 4) for n in range(2)]

    assert shown == [[0, 1, 2, 3]] * 2
    assert bench.transfer.events == ["buffer", *["download"] * 4] * 2
    assert len(bench.notes) == (reason is not None)
    assert all((reason or "") in note and "\n  help: " in note for note in bench.notes)
    assert bench.opener.describe_downloads() == (
        "8 pictures (0.0 MB) were copied from a GPU to be encoded on the CPU"
    )


def test_nothing_is_counted_where_nothing_was_downloaded(tmp_path: Path) -> None:
    """Films of NVENC and films of the host leave no remark."""
    bench = Bench()

    bench.write(tmp_path / "gpu.mp4", [0])
    bench.write(tmp_path / "host.mp4", [None])

    assert bench.opener.describe_downloads() is None


def test_what_comes_after_the_last_session_is_encoded_on_the_cpu(tmp_path: Path) -> None:
    """Films that are open at once share what sessions there are; none is lost."""
    bench = Bench(library=FakeNvenc(max_sessions=2))
    paths = [tmp_path / f"{number}.mp4" for number in range(4)]
    writers = [VideoWriter(path, num_threads=1, opener=bench.opener) for path in paths]

    for index in range(5):
        for writer in writers:
            writer.write(make_frame(index))
    for writer in writers:
        writer.publish()

    assert [[index_of(f) for f in read_frames(path)] for path in paths] == [[0, 1, 2, 3, 4]] * 4
    assert bench.opener.num_downloads == 10
    assert len(bench.notes) == 1


def test_a_gpu_whose_sessions_are_taken_is_asked_again(tmp_path: Path) -> None:
    """That others encode with all that there is says nothing of the next film."""
    bench = Bench(library=FakeNvenc(max_sessions=1))
    others = VideoWriter(tmp_path / "others.mp4", num_threads=1, opener=bench.opener)
    others.write(make_frame(0))
    mine = Bench(library=bench.library)

    mine.write(tmp_path / "first.mp4", [0])
    others.publish()
    mine.write(tmp_path / "second.mp4", [0])

    assert mine.opener.num_downloads == 1
    assert "gave no session" in mine.notes[0]
    assert len(mine.notes) == 1


def test_nvenc_takes_frames_of_the_host_where_it_is_asked_for(tmp_path: Path) -> None:
    """They are uploaded to the node's GPU, one copy each."""
    bench = Bench("nvenc", library=FakeNvenc(num_gpus=2), default_gpu=1)

    shown = bench.write(tmp_path / "out.mp4", [None, None])

    assert shown == [0, 1]
    assert bench.transfer.events == ["upload to 1"] * 2
    assert bench.library.created[0]["gpu_id"] == 1


@pytest.mark.parametrize(
    ("library", "message"),
    [
        pytest.param(FakeNvenc(num_encoders=0), "got 'nvenc', and there is none", id="none"),
        pytest.param(FakeNvenc(max_sessions=0), r"out\.mp4.*NVENC gave no session", id="full"),
    ],
)
def test_who_asks_for_nvenc_gets_it_or_an_error(
    tmp_path: Path, library: FakeNvenc, message: str
) -> None:
    """There is no way around a wish."""
    bench = Bench("nvenc", library=library)

    with pytest.raises(OutputError, match=message):
        bench.write(tmp_path / "out.mp4", [0])
    assert bench.notes == []
    assert list(tmp_path.iterdir()) == []


def test_a_download_is_complete_before_the_memory_is_used_again(tmp_path: Path) -> None:
    """The film shows what was in the slot when it was written, not what came later."""
    bench = Bench("cpu")
    writer = VideoWriter(tmp_path / "out.mp4", num_threads=1, opener=bench.opener)
    buffer = torch.empty(72, 64, dtype=torch.uint8)

    for index in range(10):
        frame = make_frame(index)
        buffer.copy_(frame.buffer)
        writer.write(Frame(buffer, frame.stamp))
        buffer.fill_(255)
    writer.publish()

    assert [index_of(frame) for frame in read_frames(tmp_path / "out.mp4")] == list(range(10))


def test_nobody_is_asked_about_gpus_for_frames_of_the_host(tmp_path: Path) -> None:
    """A machine without a GPU pays nothing."""
    opener = EncoderOpener(report=pytest.fail, probe=lambda: pytest.fail("probed"))

    writer = VideoWriter(tmp_path / "out.mp4", num_threads=1, opener=opener)
    writer.write(make_frame(4))
    writer.publish()

    assert [index_of(frame) for frame in read_frames(tmp_path / "out.mp4")] == [4]
