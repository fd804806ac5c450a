"""Between decoder and encoder no frame goes through host memory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.profiler import ProfilerActivity, profile

from videoflow.consumers import VoidConsumer
from videoflow.core import Flow, ProcessorNode
from videoflow.processors import ByteTracker, ObjectDetector, PeopleAnnotator
from videoflow.producers import VideoFileReader

pytestmark = [pytest.mark.gpu, pytest.mark.nvdec, pytest.mark.hardware]

FRAME_BYTES = 576 * 768 * 3 // 2


class Profiled(ObjectDetector):
    """Writes the copies between host and GPU that its worker has made, frame-sized ones."""

    trace: Path

    def open(self) -> None:
        super().open()
        self.profiler = profile(activities=[ProfilerActivity.CUDA])
        self.profiler.start()

    def close(self) -> None:
        torch.cuda.synchronize()
        self.profiler.stop()
        self.profiler.export_chrome_trace(str(self.trace))
        super().close()


class IsOnGpu(ProcessorNode):
    """Says where the picture that would be encoded is."""

    def process(self, *inputs: Any) -> str:
        return str(inputs[0].pixels.device)


@pytest.mark.usefixtures("weights")
def test_no_frame_leaves_the_gpu(test_data: Path, tmp_path: Path) -> None:
    """Reader, detector and annotator in one worker: no copy to or from the host is so large."""
    read = VideoFileReader(test_data / "video" / "vtest_h264.mp4")
    detect = Profiled("yolox_nano", classes=["person"])
    detect.trace = tmp_path / "trace.json"
    draw = PeopleAnnotator()(read, ByteTracker()(detect(read)))
    where = IsOnGpu()(draw)
    flow = Flow([read], [VoidConsumer()(where)], placement="fused")

    devices = set(flow.stream(where))
    flow.join(120)

    assert devices == {"cuda:0"}
    events = json.loads(detect.trace.read_text())["traceEvents"]
    copies = [event for event in events if event.get("cat") == "gpu_memcpy"]
    assert copies, "the profiler saw no copy at all"
    crossing = [
        event
        for event in copies
        if ("HtoD" in event["name"] or "DtoH" in event["name"])
        and int(event["args"].get("bytes", 0)) >= FRAME_BYTES // 2
    ]
    assert not crossing, crossing[:3]
