"""An infinitely fast GPU for ``host_cost.py``: what it would compute is known before.

All that runs on the host is the package's own: demuxing, feeding the decoder, slots, messages,
batches, the making of detections. What stands in for the GPU: memory that is the host's, a
decoder that gives a ready surface for each packet, and a network whose results are canned.
Not here, because only a driver can tell: what CUDA's own calls cost the host.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from enum import Enum
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar

import av
import numpy as np
import torch
from torch import Tensor

from tests.fake_device import FakeDevice
from videoflow.data.frame import Frame
from videoflow.nets.card import InputContract
from videoflow.nets.detector import DenseDetector
from videoflow.nets.letterbox import Letterbox
from videoflow.nets.postprocess import Selection
from videoflow.nets.predictions import Predictions
from videoflow.nets.static_selection import StaticRows, select_static
from videoflow.processors import ObjectDetector
from videoflow.producers import VideoFileReader
from videoflow.video.capabilities import VideoCapabilities
from videoflow.video.nvdec import Nvdec
from videoflow.video.opener import VideoOpener
from videoflow.video.playlist import Playlist

__all__ = ["CannedDetector", "FreeDevice", "FreeReader", "write_noise"]

PICTURE_HW = (96, 128)
"""Small, so that a copy costs next to nothing; the host's work does not know the size."""

NUM_STEPS = 240
NUM_PEOPLE = 12
NUM_WEAK = 3


def write_noise(path: Path, num_frames: int) -> None:
    """Write H.264 whose packets are as long as those of a street in 1080p: about 20 KB."""
    height, width = PICTURE_HW
    rng = np.random.default_rng(0)
    with av.open(str(path), "w") as container:
        options = {"preset": "ultrafast", "crf": "1", "bf": "0", "g": "250"}
        stream = container.add_stream("libx264", rate=30, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for index in range(num_frames):
            noise = rng.integers(0, 255, (height * 3 // 2, width), dtype=np.uint8)
            frame = av.VideoFrame.from_ndarray(noise, format="yuv420p")
            frame.pts, frame.time_base = index, Fraction(1, 30)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


class FreeDevice(FakeDevice):
    """Memory of the host, without the log of the tests."""

    def _log(self, *words: Any) -> None:
        pass


class _Surface:
    """What a session of NVDEC gives: memory, and the time that it was told."""

    format = Enum("Pixel_Format", ["NV12"])["NV12"]

    def __init__(self, memory: Tensor, pts: int) -> None:
        self.shape = tuple(memory.shape)
        self._memory = memory
        self._pts = pts

    def getPTS(self) -> int:
        return self._pts

    def __dlpack__(self, **options: Any) -> Any:
        return self._memory.__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return self._memory.__dlpack_device__()


class _Session:
    """Gives one ready surface for each packet."""

    def __init__(self, size_hw: tuple[int, int]) -> None:
        height, width = size_hw
        self._memory = torch.full((height * 3 // 2, width), 128, dtype=torch.uint8)

    def Decode(self, packet: Any) -> list[_Surface]:
        return [_Surface(self._memory, packet.pts)] if packet.bsl else []


class _PacketData:
    bsl = bsl_data = pts = dts = decode_flag = 0


class _Library:
    """As much of PyNvVideoCodec as a reader of H.264 uses."""

    PacketData = _PacketData
    cudaVideoCodec = Enum("cudaVideoCodec", ["H264"])
    cudaVideoChromaFormat = Enum("cudaVideoChromaFormat", ["420"])
    OutputColorType = Enum("OutputColorType", ["NATIVE"])

    def GetDecoderCaps(self, **_asked: Any) -> dict[str, int]:
        least = {"width_min": 16, "height_min": 16, "mb_num_max": 65536}
        most = {"width_max": 4096, "height_max": 4096}
        return {"supported": 1, "num_decoder_engines": 7, **least, **most}

    def CreateDecoder(self, *, maxheight: int, maxwidth: int, **_options: Any) -> _Session:
        return _Session((maxheight, maxwidth))


class _Stream:
    """A stream on which everything is done already."""

    handle = 7

    def turn(self) -> AbstractContextManager[None]:
        return nullcontext()

    def tensor(self, memory: Any) -> Tensor:
        return torch.utils.dlpack.from_dlpack(memory)


class FreeReader(VideoFileReader):
    """Reads a file, and has nothing to decode."""

    preload: ClassVar[tuple[str, ...]] = (*VideoFileReader.preload, "host_stand_ins")

    def open(self) -> None:
        """Get ready to play, with what stands in for the decoder."""
        nvdec = Nvdec(_Library(), "package")
        opener = VideoOpener(
            device=self.device,
            report=self.note,
            probe=lambda: VideoCapabilities(1, (), nvdec, False, True),
            make_stream=lambda _gpu, _is_own: _Stream(),
        )
        self._playlist = Playlist(
            self._list(),
            stream=self.stream,
            opener=opener,
            is_looped=self._is_looped,
            report=self.note,
        )


class _CannedStages:
    """Takes the frames in, and gives the results that belong to their numbers."""

    def __init__(self) -> None:
        self._results = _people()
        self._steps: list[int] = []

    def begin(
        self, ingest: Callable[[], Any], compute: Callable[[Any], Any]
    ) -> Callable[[], Any]:
        self._steps = []
        ingest()
        found = StaticRows(self._results.packed[self._steps], self._results.rows)
        return lambda: [found]

    def fill(
        self,
        images: Tensor,
        frames: Sequence[Frame],
        fit: Letterbox,
        contract: InputContract,
    ) -> None:
        """Look up where the frames lie, as the kernel's caller does."""
        torch.tensor([frame.pixels.data_ptr() for frame in frames])
        self._steps += [frame.index % NUM_STEPS for frame in frames]


class CannedDetector(ObjectDetector):
    """A detector whose network needs no time: people who walk to and fro."""

    preload: ClassVar[tuple[str, ...]] = (*ObjectDetector.preload, "host_stand_ins")

    def check(self) -> None:
        """There are no weights."""

    def open(self) -> None:
        """Make the results of all frames."""
        stages = _CannedStages()
        self._loaded = DenseDetector(
            labels=("person",),
            contract=InputContract(channels="bgr", size=416, stride=32, pad_value=114),
            input_size=416,
            device=torch.device("meta"),
            stages=stages,
            fill=stages.fill,
            network=_no_network,
            selection=Selection(0.1, 0.65, (0,)),
        )
        self._is_on_gpu = True


def _no_network(images: Tensor) -> Predictions:
    raise AssertionError("the results are canned")


def _people() -> StaticRows:
    """Return what the selection would give for each of ``NUM_STEPS`` frames, on the host."""
    step = torch.arange(NUM_STEPS)[:, None] * (2 * math.pi / NUM_STEPS)
    who = torch.arange(NUM_PEOPLE + NUM_WEAK)
    center = torch.stack(
        (20 + 26 * who + 8 * torch.cos(step + who), 156 + 60 * torch.sin(step + who)), dim=2
    )
    num_places = 3549  # of YOLOX for 416 x 416
    boxes = torch.ones(NUM_STEPS, num_places, 4)
    boxes[:, : len(who), :2] = center
    boxes[:, : len(who), 2:] = torch.tensor([18.0, 48.0])
    objectness = torch.full((NUM_STEPS, num_places), -9.0)
    objectness[:, :NUM_PEOPLE] = 2.0 + who[:NUM_PEOPLE] / 10
    objectness[:, NUM_PEOPLE : len(who)] = -0.5
    classes = torch.full((NUM_STEPS, num_places, 1), 9.0)
    parts = [
        select_static(
            Predictions(*few),
            score_threshold=0.1,
            nms_threshold=0.65,
            class_indices=(0,),
            floor=-3.0,
        )
        for few in zip(boxes.split(8), objectness.split(8), classes.split(8), strict=True)
    ]
    return StaticRows(torch.cat([part.packed for part in parts]), parts[0].rows)
