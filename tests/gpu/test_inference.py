"""Inference on a real GPU gives what the CPU gives, and does not wait for itself."""

from __future__ import annotations

import time
from itertools import islice
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch

from videoflow.consumers import VoidConsumer
from videoflow.core import Flow
from videoflow.data import Detections, Frame, Stamp
from videoflow.nets.detector import Detector
from videoflow.nets.letterbox import Letterbox
from videoflow.nets.load import load_detector, load_embedder, load_segmenter
from videoflow.nets.nv12_kernel import fill_fused
from videoflow.nets.postprocess import Selection, make_detections
from videoflow.nets.predictions import Predictions
from videoflow.nets.preprocess import fill_plain, make_inputs
from videoflow.processors import ObjectDetector
from videoflow.producers import VideoFileReader

pytestmark = pytest.mark.gpu

CUDA = torch.device("cuda:0")


def read_frames(test_data: Path, num: int, device: torch.device) -> list[Frame]:
    frames = []
    with av.open(str(test_data / "video" / "vtest_h264.mp4")) as container:
        for index, picture in enumerate(container.decode(video=0)):
            if index == num:
                break
            pixels = torch.from_numpy(picture.to_ndarray(format="nv12")).to(device)
            frames.append(Frame(pixels, Stamp("street", index, index / 10, (576, 768))))
    return frames


def assert_alike(got: list[Detections], want: list[Detections], *, pixels: float) -> None:
    """Sure detections are the same ones, at about the same place."""
    for one, other in zip(got, want, strict=True):
        for box, score, label in zip(other.boxes_xyxy, other.scores, other.labels, strict=True):
            if score < 0.4:
                continue
            far = np.abs(one.boxes_xyxy - box).max(axis=1) + 1000 * (one.labels != label)
            nearest = int(np.argmin(far))
            assert far[nearest] <= pixels, (other.stamp, box, score)
            assert one.scores[nearest] == pytest.approx(score, abs=0.1)


@pytest.mark.parametrize(
    ("options", "pixels"),
    [
        pytest.param({}, 1.0, id="float32"),
        pytest.param({"precision": "float16"}, 4.0, id="float16"),
        pytest.param({"precision": "bfloat16"}, 12.0, id="bfloat16"),
        pytest.param({"execution": "graphs"}, 1.0, id="graphs"),
        pytest.param({"execution": "graphs", "precision": "float16"}, 4.0, id="graphs half"),
        pytest.param(
            {"execution": "compiled"},
            1.0,
            id="compiled",
            marks=[
                pytest.mark.hardware,
                pytest.mark.filterwarnings("ignore::UserWarning"),  # the compiler's advice
            ],
        ),
    ],
)
@pytest.mark.usefixtures("weights")
def test_detections_are_those_of_the_cpu(
    test_data: Path, options: dict[str, Any], pixels: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each way to run a network finds what the CPU finds, in a batch of one and of more."""
    monkeypatch.setenv("TORCHINDUCTOR_COMPILE_THREADS", "1")  # its processes stay otherwise
    want = load_detector("yolox_nano", device="cpu").detect(
        read_frames(test_data, 4, torch.device("cpu"))
    )
    detector = load_detector("yolox_nano", device="cuda", **options)
    frames = read_frames(test_data, 4, CUDA)

    got = detector.detect(frames[:1]) + detector.detect(frames[1:])

    assert_alike(got, want, pixels=pixels)


@pytest.mark.usefixtures("weights")
def test_sizes_are_recorded_one_by_one(test_data: Path) -> None:
    """Frames of several sizes, in turn, do not disturb each other's recordings."""
    frames = read_frames(test_data, 3, CUDA)
    upright = Frame(
        torch.zeros(600, 300, dtype=torch.uint8, device=CUDA), Stamp("door", 0, 0.0, (400, 300))
    )
    detector = load_detector("yolox_nano", device="cuda", execution="graphs")
    want = [detector.detect([frame])[0] for frame in frames]

    for _ in range(3):
        got = detector.detect([frames[0], upright, frames[1], frames[2]])
        assert_alike([got[0], got[2], got[3]], want, pixels=0.5)


@pytest.mark.parametrize("name", ["fcos_resnet50_fpn", "ssdlite320_mobilenet_v3_large"])
@pytest.mark.usefixtures("weights")
def test_networks_that_select_by_themselves(test_data: Path, name: str) -> None:
    """They wait inside for their own selections, and find the same."""
    try:
        cpu = load_detector(name, device="cpu")
    except Exception as error:
        pytest.skip(f"no weights: {error}")
    want = cpu.detect(read_frames(test_data, 2, torch.device("cpu")))

    got = load_detector(name, device="cuda").detect(read_frames(test_data, 2, CUDA))

    assert_alike(got, want, pixels=2.0)


@pytest.mark.usefixtures("weights")
def test_vectors_and_classes_are_those_of_the_cpu(test_data: Path) -> None:
    """The embedder's vectors point the same way; the segmenter's pixels are the same."""
    frames, host = (
        read_frames(test_data, 2, CUDA),
        read_frames(test_data, 2, torch.device("cpu")),
    )
    boxes = [np.array([[250, 200, 290, 320], [400, 200, 440, 320]], np.float32)] * 2

    got = load_embedder("osnet_retail_0248", device="cuda").embed(frames, boxes)

    want = load_embedder("osnet_retail_0248", device="cpu").embed(host, boxes)
    for one, other in zip(got, want, strict=True):
        assert ((one * other).sum(axis=1) > 0.999).all()
    try:
        cpu = load_segmenter("lraspp_mobilenet_v3_large", device="cpu")
    except Exception as error:
        pytest.skip(f"no weights: {error}")
    segmented = load_segmenter("lraspp_mobilenet_v3_large", device="cuda").segment(frames)
    for found, expected in zip(segmented, cpu.segment(host), strict=True):
        assert (found.class_map == expected.class_map).mean() > 0.99


def test_selection_is_that_of_the_cpu() -> None:
    """Overlaps settled in pairs on the GPU leave what row by row on the CPU leaves."""
    random = torch.Generator().manual_seed(1)
    boxes = torch.rand(8, 3549, 4, generator=random) * torch.tensor([400, 400, 60, 60.0]) + 4
    logits = torch.randn(8, 3549, 5, generator=random) * 2 - 2
    predictions = Predictions(boxes, logits[..., 0], logits[..., 1:])
    stamps = [Stamp("camera", at, 0.0, (416, 416)) for at in range(8)]
    fits = [Letterbox.fit((416, 416), input_size=416, stride=32)] * 8
    for score in (0.05, 0.3):
        options: Any = {
            "stamps": stamps,
            "letterboxes": fits,
            "selection": Selection(score, 0.5, (0, 2)),
        }
        want = make_detections(predictions, **options)

        got = make_detections(Predictions(*(part.to(CUDA) for part in predictions)), **options)

        for one, other in zip(got, want, strict=True):
            assert one.labels.tolist() == other.labels.tolist()
            np.testing.assert_allclose(one.boxes_xyxy, other.boxes_xyxy, atol=1e-3)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16], ids=str)
@pytest.mark.hardware
@pytest.mark.usefixtures("weights")
def test_kernel_writes_what_torch_writes(test_data: Path, dtype: torch.dtype) -> None:
    """Real frames become the same inputs by one kernel and by plain torch."""
    frames = read_frames(test_data, 5, CUDA)
    detector: Any = load_detector("yolox_nano", device="cuda")
    inputs = [
        make_inputs(
            frames,
            contract=detector.contract,
            input_size=416,
            device=CUDA,
            dtype=dtype,
            fill=fill,
        )[0].images.float()
        for fill in (fill_fused, fill_plain)
    ]

    assert float((inputs[0] - inputs[1]).abs().max()) <= (
        0.05 if dtype == torch.float32 else 1.0
    )


def _seconds(
    detector: Detector, frames: list[Frame], *, is_ahead: bool, num: int = 30
) -> float:
    torch.cuda.synchronize()
    begin = time.monotonic()
    finish = detector.begin(frames)
    for _ in range(num):
        if is_ahead:
            following = detector.begin(frames)
            finish()
        else:
            finish()
            following = detector.begin(frames)
        finish = following
    finish()
    return time.monotonic() - begin


@pytest.mark.hardware
@pytest.mark.usefixtures("weights")
def test_beginning_does_not_wait(test_data: Path) -> None:
    """``begin`` returns while the GPU still computes, and batches in advance take less time."""
    detector = load_detector("yolox_nano", device="cuda", execution="graphs")
    frames = read_frames(test_data, 16, CUDA)
    for _ in range(3):
        detector.detect(frames)
    busy = torch.randn(8192, 8192, device=CUDA)
    torch.cuda.synchronize()
    for _ in range(30):
        busy = busy @ busy
        busy = busy / busy.norm()

    begin = time.monotonic()
    finish = detector.begin(frames)
    begun = time.monotonic() - begin
    finish()
    done = time.monotonic() - begin

    assert begun < done / 2, f"begin took {begun:.4f} s of {done:.4f} s"
    apart = min(_seconds(detector, frames, is_ahead=False) for _ in range(3))
    ahead = min(_seconds(detector, frames, is_ahead=True) for _ in range(3))
    print(f"30 batches of 16: {apart:.3f} s one by one, {ahead:.3f} s in advance")
    assert ahead < 1.05 * apart


class CrampedDetector(ObjectDetector):
    """Has memory for some of its batches: less than the largest one takes, more than small."""

    def open(self) -> None:
        super().open()
        limit_bytes = (self._peak_bytes(1) + self._peak_bytes(4)) // 2
        total_bytes = torch.cuda.get_device_properties(CUDA).total_memory
        torch.cuda.empty_cache()
        torch.cuda.set_per_process_memory_fraction(limit_bytes / total_bytes, CUDA)

    def _peak_bytes(self, num: int) -> int:
        pixels = torch.zeros(864, 768, dtype=torch.uint8, device=CUDA)
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(CUDA)
        self.process_batch([Frame(pixels, Stamp("blank", 0, 0.0, (576, 768)))] * num)
        return torch.cuda.max_memory_reserved(CUDA)


@pytest.mark.usefixtures("weights")
def test_batches_that_do_not_fit_are_halved(test_data: Path) -> None:
    """The flow goes on in smaller batches, loses no frame, and says so once."""
    want = load_detector("yolox_nano", device="cuda").detect(read_frames(test_data, 12, CUDA))
    read = VideoFileReader(test_data / "video" / "vtest_h264.mp4")
    detect = CrampedDetector("yolox_nano", max_batch_size=4)(read)
    flow = Flow([read], [VoidConsumer()(detect)])

    got = list(islice(flow.stream(detect), 12))
    flow.stop()
    report = flow.join(60)

    assert_alike(
        got, [_restamped(one, other) for one, other in zip(want, got, strict=True)], pixels=2.0
    )
    assert sum("out of memory with a batch of 4" in note for note in report.notes) == 1


@pytest.mark.usefixtures("weights")
def test_a_flow_begins_its_batches(test_data: Path, tmp_path: Path) -> None:
    """In a flow the node is on the GPU, and finds what it finds alone."""
    want = load_detector("yolox_nano", device="cuda").detect(read_frames(test_data, 16, CUDA))
    read = VideoFileReader(test_data / "video" / "vtest_h264.mp4")
    detect = ObjectDetector("yolox_nano", max_batch_size=4)(read)
    flow = Flow([read], [VoidConsumer()(detect)])
    assert "cuda:0" in flow.explain()

    got = list(islice(flow.stream(detect), 16))
    flow.stop()
    flow.join(60)

    assert_alike(
        got, [_restamped(one, other) for one, other in zip(want, got, strict=True)], pixels=2.0
    )


def _restamped(detections: Detections, other: Detections) -> Detections:
    assert detections.stamp.index == other.stamp.index
    return detections
