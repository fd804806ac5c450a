"""A reader that decodes on a device, in a whole flow; decoder and device are stand-ins."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest

from tests.clips import index_of, write_clip
from tests.fake_device import fake_engine
from tests.flows.nodes import Collect, collected
from tests.nvdec_stub import FakeLibrary, FakeStream, FakeUpload
from videoflow.core import Flow, ProcessorNode
from videoflow.data import Frame
from videoflow.producers import VideoFileReader
from videoflow.video.capabilities import VideoCapabilities
from videoflow.video.nvdec import Nvdec, NvdecProblem
from videoflow.video.opener import VideoOpener
from videoflow.video.playlist import Playlist


class StandInReader(VideoFileReader):
    """Reads a file with a decoder that stands in for NVDEC, or uploads what the CPU decodes."""

    preload: ClassVar[tuple[str, ...]] = ("torch", "av", "tests.nvdec_stub")

    def __init__(self, path: Path, *, has_nvdec: bool, unsupported: str = "") -> None:
        super().__init__(path, name="reader")
        self._has_nvdec = has_nvdec
        self._unsupported = unsupported

    def open(self) -> None:
        assert self.device == "cuda:0"
        library = FakeLibrary(unsupported=(self._unsupported,))
        nvdec: Nvdec | NvdecProblem = NvdecProblem("it broke", "mend it")
        if self._has_nvdec:
            nvdec = library.nvdec
        opener = VideoOpener(
            device=self.device,
            report=self.note,
            probe=lambda: VideoCapabilities(1, (), nvdec, False, True),
            make_stream=lambda _gpu, _is_own: FakeStream(library.events),
            upload_device=FakeUpload(),
        )
        self._playlist = Playlist(
            [self._path], stream=self.stream, opener=opener, report=self.note
        )


class Looks(ProcessorNode):
    """Says which frame a frame is, and which one its pixels show."""

    def process(self, *inputs: Frame) -> Any:
        (frame,) = inputs
        return [frame.index, index_of(frame), self.device, frame.layout]


@pytest.mark.parametrize("placement", ["process", "fused"])
@pytest.mark.parametrize(
    ("has_nvdec", "unsupported", "note"),
    [
        pytest.param(True, "", None, id="nvdec"),
        pytest.param(False, "", "decoded on the CPU and uploaded: no NVDEC", id="upload"),
        pytest.param(True, "H264", "this GPU does not decode h264", id="codec"),
    ],
)
def test_what_a_device_decodes_arrives_whole(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    placement: Literal["process", "fused"],
    has_nvdec: bool,
    unsupported: str,
    note: str | None,
) -> None:
    """Each frame lies in a slot of the device when the next node looks, whoever decoded it."""
    monkeypatch.setenv("VIDEOFLOW_POISON_SLOTS", "1")
    clip = write_clip(tmp_path / "clip.mp4", num_frames=60)
    reader = StandInReader(clip, has_nvdec=has_nvdec, unsupported=unsupported)
    path = tmp_path / "collected.json"
    flow = Flow([reader], [Collect(path)(Looks()(reader))], placement=placement)

    report = flow.run(engine=fake_engine()).join(60)

    assert collected(path) == [[i, i % 10, "cuda:0", "nv12"] for i in range(60)]
    assert len(report.notes) == (note is not None)
    assert all(note is None or note in text for text in report.notes)
