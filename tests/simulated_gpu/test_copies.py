"""Between decoder and encoder no frame goes through host memory, in whatever processes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.simulated_gpu.conftest import Run

FLOW = """
import sys
from tests.gpu.test_no_copies import IsOnGpu
from videoflow.consumers import VoidConsumer
from videoflow.core import Flow
from videoflow.processors import ByteTracker, ObjectDetector, PeopleAnnotator
from videoflow.producers import VideoFileReader

read = VideoFileReader(sys.argv[1])
detect = ObjectDetector("yolox_nano", classes=["person"], max_batch_size=4)
draw = PeopleAnnotator()(read, ByteTracker()(detect(read)))
where = IsOnGpu()(draw)
flow = Flow([read], [VoidConsumer()(where)], placement=sys.argv[2])
places = []
for place in flow.stream(where):
    places.append(place)
    if len(places) == 12:
        break
flow.stop()
flow.join(60)
print(len(places), *set(places))
"""
FRAME_BYTES = 576 * 768 * 3 // 2
LAYER_BYTES = 524288  # the only weights of YOLOX nano as large as half a frame
TRIAL_BYTES = 1080 * 1920 * 3 // 2  # on which the ways to convert a frame are compared, once


@pytest.mark.usefixtures("weights")
@pytest.mark.parametrize("placement", ["fused", "process"])
def test_no_frame_leaves_the_gpu(
    placement: str, run_python: Run, test_data: Path, tmp_path: Path
) -> None:
    """Reader, detector, tracker and annotator: no copy to or from the host is so large."""
    log = tmp_path / "log"

    done = run_python(
        *("-c", FLOW, str(test_data / "video" / "vtest_h264.mp4"), placement),
        SIMULATED_GPU_LOG=str(log),
    )

    assert done.returncode == 0, done.stdout[-4000:]
    assert done.stdout.splitlines()[-1] == "12 cuda:0"
    copies = [line.split()[2:5] for line in log.read_text().splitlines() if " copy " in line]
    inside = [copy for copy in copies if copy[:2] == ["device", "device"]]
    crossing = [copy for copy in copies if (copy[0] == "device") != (copy[1] == "device")]
    assert sum(int(num_bytes) >= FRAME_BYTES // 2 for *_, num_bytes in inside) >= 12
    large = [copy for copy in crossing if int(copy[2]) >= FRAME_BYTES // 2]
    assert sorted(int(num_bytes) for *_, num_bytes in large) == [LAYER_BYTES, TRIAL_BYTES]
