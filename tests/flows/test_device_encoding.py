"""A writer that encodes on a device, in a whole flow; encoder and device are stand-ins."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest

from tests.clips import index_of, make_frame, read_frames
from tests.fake_device import fake_engine
from tests.nvenc_stub import FakeEncoderStream, FakeNvenc, FakeTransfer
from videoflow.consumers import VideoFileWriter
from videoflow.core import Flow, ProducerNode
from videoflow.data import Frame
from videoflow.video.encoding import EncoderOpener


class Pictures(ProducerNode):
    """Gives grey frames that tell their index, in slots of its device."""

    auto_device = "gpu"
    preload: ClassVar[tuple[str, ...]] = ("torch", "tests.clips")

    def __init__(self, num_frames: int) -> None:
        super().__init__(name="pictures")
        self._num_frames = num_frames
        self._next = 0

    @property
    def stream(self) -> str:
        return "door"

    def next(self) -> Frame:
        if self._next == self._num_frames:
            raise StopIteration
        frame = make_frame(self._next)
        self._next += 1
        buffer = self.slot_tensor(tuple(frame.buffer.shape)).copy_(frame.buffer)
        return Frame(buffer, frame.stamp)


class StandInWriter(VideoFileWriter):
    """Writes a file with an encoder that stands in for NVENC."""

    preload: ClassVar[tuple[str, ...]] = ("torch", "av", "tests.nvenc_stub")

    def __init__(self, path: Path, *, num_encoders: int, **options: Any) -> None:
        super().__init__(path, num_threads=1, **options)
        self._num_encoders = num_encoders

    def open(self) -> None:
        library = FakeNvenc(num_encoders=self._num_encoders)
        self._opener = EncoderOpener(
            report=self.note,
            probe=library.probe,
            make_stream=lambda _: FakeEncoderStream(library),
            transfer=FakeTransfer(0 if self.device == "cuda:0" else None),
        )


@pytest.mark.parametrize("placement", ["process", "fused"])
@pytest.mark.parametrize(
    ("num_encoders", "device", "notes"),
    [
        pytest.param(1, "auto", [], id="nvenc"),
        pytest.param(0, "auto", ["this GPU has no encoder", "60 pictures"], id="h100"),
        pytest.param(1, "cpu", [], id="writer-on-the-host"),
    ],
)
def test_frames_of_a_device_become_a_film(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    placement: Literal["process", "fused"],
    num_encoders: int,
    device: str,
    notes: list[str],
) -> None:
    """No slot is lent again before the encoder has read it; the report says what it cost."""
    monkeypatch.setenv("VIDEOFLOW_POISON_SLOTS", "1")
    path = tmp_path / "out.mp4"
    pictures = Pictures(60)
    writer = StandInWriter(path, num_encoders=num_encoders, device=device)(pictures)
    flow = Flow([pictures], [writer], placement=placement)

    report = flow.run(engine=fake_engine()).join(60)

    assert [index_of(frame) for frame in read_frames(path)] == [i % 10 for i in range(60)]
    assert len(report.notes) == len(notes)
    for note in notes:
        assert any(note in text for text in report.notes)
