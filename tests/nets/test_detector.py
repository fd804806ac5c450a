from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import av
import numpy as np
import pytest
import torch

from videoflow.data import Detections, Frame, Stamp
from videoflow.errors import LeaseError, ModelError
from videoflow.nets.detector import DenseDetector, Detector
from videoflow.nets.load import load_detector
from videoflow.nets.predictions import Predictions


@pytest.fixture(scope="module")
def frames(test_data: Path) -> list[Frame]:
    """Eight frames of a street with about six people, NV12."""
    with av.open(str(test_data / "video" / "vtest.avi")) as video:
        pictures = [
            picture for picture, _ in zip(video.decode(video=0), range(8), strict=False)
        ]
    return [
        Frame(
            torch.from_numpy(picture.to_ndarray(format="nv12")),
            Stamp("street", index, index / 10, (576, 768)),
        )
        for index, picture in enumerate(pictures)
    ]


@pytest.fixture
def detector(weights: Path) -> Detector:
    return load_detector("yolox_nano", device="cpu")


def _assert_same(got: Detections, want: Detections) -> None:
    assert got.stamp == want.stamp
    assert got.labels.tolist() == want.labels.tolist()
    np.testing.assert_allclose(got.scores, want.scores, atol=1e-3)
    np.testing.assert_allclose(got.boxes_xyxy, want.boxes_xyxy, atol=0.1)


def test_people_are_found_in_pixels_of_the_source(
    detector: Detector, frames: list[Frame]
) -> None:
    """In the first frame six people stand, the one furthest to the left at about (276, 262)."""
    found = detector.detect(frames[:1])[0]

    people = found[(found.labels == 0) & (found.scores > 0.5)]
    assert 4 <= len(people) <= 9
    assert people.boxes_xyxy[:, [0, 2]].max() > 416  # not the input's pixels
    centres = (people.boxes_xyxy[:, :2] + people.boxes_xyxy[:, 2:]) / 2
    assert np.hypot(*(centres - [274, 263]).T).min() < 10


@pytest.mark.parametrize("batch_size", [1, 3, 8])
def test_batch_size_does_not_change_what_is_found(
    detector: Detector, frames: list[Frame], batch_size: int
) -> None:
    """Boxes agree within a tenth of a pixel, whatever the batch."""
    want = [detector.detect([frame])[0] for frame in frames]

    got: list[Detections] = []
    for start in range(0, len(frames), batch_size):
        got += detector.detect(frames[start : start + batch_size])

    for one, other in zip(got, want, strict=True):
        _assert_same(one, other)


def test_frame_gives_the_same_at_every_position(
    detector: Detector, frames: list[Frame]
) -> None:
    """Position 0 and position 7 are the same place."""
    first = detector.detect(frames)[0]
    last = detector.detect([*frames[1:], frames[0]])[7]

    _assert_same(last, first)


def test_sizes_and_layouts_may_be_mixed(detector: Detector, frames: list[Frame]) -> None:
    """Frames of another size or layout in the batch change nothing for the rest."""
    upright = Frame(
        torch.zeros(3, 300, 100, dtype=torch.uint8), Stamp("door", 0, 0.0, (300, 100)), "rgb"
    )
    (alone,) = detector.detect([frames[0]])

    dark, mixed = detector.detect([upright, frames[0]])

    assert (dark.stamp.stream, len(dark)) == ("door", 0)
    _assert_same(mixed, alone)


def test_no_frames_give_no_detections(detector: Detector) -> None:
    """Nothing in, nothing out."""
    assert detector.detect([]) == []


def test_frame_after_its_time_is_refused(detector: Detector, frames: list[Frame]) -> None:
    """A lent frame whose slot was written again is not looked at."""

    class Over:
        def check(self) -> None:
            raise LeaseError("too late")

    with pytest.raises(LeaseError, match="too late"):
        detector.detect([replace(frames[0], lease=Over())])


@pytest.fixture(scope="module")
def coco_tiny() -> ModuleType:
    """The benchmark of that name, which is a script."""
    pytest.importorskip("pycocotools", reason="precision is counted by pycocotools")
    path = Path(__file__).resolve().parents[2] / "benchmarks" / "coco_tiny.py"
    spec = importlib.util.spec_from_file_location("coco_tiny", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.usefixtures("weights")
@pytest.mark.parametrize(
    ("input_size", "want", "want_person"), [(416, 0.307, 0.387), (640, 0.332, 0.447)]
)
def test_precision_is_the_published_one(
    coco_tiny: ModuleType, test_data: Path, input_size: int, want: float, want_person: float
) -> None:
    """On 80 pictures of COCO the whole way, from pixels to boxes, loses nothing."""
    figures = coco_tiny.evaluate(test_data / "coco_tiny", input_size=input_size)

    assert figures["AP"] == pytest.approx(want, abs=0.005)
    assert figures["person_AP"] == pytest.approx(want_person, abs=0.005)


def _plain(size_hw: tuple[int, int], level: int = 128) -> Frame:
    pixels = torch.full((3, *size_hw), level, dtype=torch.uint8)
    return Frame(pixels, Stamp("odd", 0, 0.0, size_hw), "rgb")


@pytest.mark.parametrize(
    "size_hw",
    [(1, 1), (2, 2), (1, 4000), (4000, 1), (30, 7000), (2160, 3840)],
    ids=["one pixel", "four pixels", "row", "column", "ribbon", "4K"],
)
def test_frames_of_any_proportions_are_looked_at(
    detector: Detector, size_hw: tuple[int, int]
) -> None:
    """A frame of one pixel or of one row is a frame: nothing is in it, and its boxes are."""
    (found,) = detector.detect([_plain(size_hw)])

    assert found.stamp.size_hw == size_hw
    assert np.isfinite(found.boxes_xyxy).all()


def test_odd_frames_change_nothing_for_others(detector: Detector, frames: list[Frame]) -> None:
    """A degenerate frame in a batch leaves the others as they are."""
    (alone,) = detector.detect([frames[0]])

    _, mixed, _ = detector.detect([_plain((1, 1)), frames[0], _plain((1, 4000))])

    _assert_same(mixed, alone)


def test_frames_without_objects_have_empty_detections(detector: Detector) -> None:
    """A batch in which nothing is found gives detections of no rows, one for each frame."""
    found = detector.detect([_plain((48, 64), level) for level in (0, 128, 255)])

    assert [len(one) for one in found] == [0, 0, 0]
    assert all(one.boxes_xyxy.shape == (0, 4) for one in found)


def test_batched_equals_one_by_one_on_photographs(detector: Detector, test_data: Path) -> None:
    """Twelve photographs of different sizes give the same boxes together as one by one."""
    pictures = []
    for index, path in enumerate(sorted((test_data / "coco_tiny" / "val2017").iterdir())[:12]):
        with av.open(str(path)) as container:
            pixels = next(container.decode(video=0)).to_ndarray(format="rgb24")
        stamp = Stamp("photographs", index, 0.0, pixels.shape[:2])
        pictures.append(Frame(torch.from_numpy(pixels).permute(2, 0, 1), stamp, "rgb"))

    together = detector.detect(pictures)

    assert sum(map(len, together)) > 30
    for got, picture in zip(together, pictures, strict=True):
        _assert_same(got, detector.detect([picture])[0])


def test_network_that_overflows_is_an_error(frames: list[Frame], detector: Detector) -> None:
    """A network of which nothing but NaN comes is told with its frame, for any class."""
    assert isinstance(detector, DenseDetector)

    def overflow(images: torch.Tensor) -> Predictions:
        return Predictions(*(part * torch.nan for part in detector.network(images)))

    broken = replace(detector, network=overflow)

    with pytest.raises(ModelError, match=r"stream 'street', frame 0: .*no finite numbers"):
        broken.detect(frames[:2])
