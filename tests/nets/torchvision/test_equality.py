"""Our way from pixels to detections against torchvision's, both in double precision.

There a difference is a mistake: what a float32 rounds away, deep networks with random weights
multiply to some thousandths of a pixel, and two objects of nearly one score change places.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torchvision.models.detection.keypoint_rcnn import KeypointRCNNHeads

from tests.nets.torchvision.reference import Painter, build_reference, contract_of, frames_of
from videoflow.data import Detections
from videoflow.nets.detector import ObjectsDetector
from videoflow.nets.postprocess import Selection
from videoflow.nets.torchvision.factories import make_batched

Found = dict[str, Tensor]

NUM_CLASSES = 7
MIN_SIDE_PX = 0.01
SSDLITE = "ssdlite320_mobilenet_v3_large"
RETINANET = "retinanet_resnet50_fpn"
FASTER = "fasterrcnn_mobilenet_v3_large_320_fpn"
LARGE = pytest.mark.exhaustive
MODELS = [
    FASTER,
    "fasterrcnn_mobilenet_v3_large_fpn",
    pytest.param("fasterrcnn_resnet50_fpn", marks=LARGE),
    pytest.param("fasterrcnn_resnet50_fpn_v2", marks=LARGE),
    "maskrcnn_resnet50_fpn",
    pytest.param("maskrcnn_resnet50_fpn_v2", marks=LARGE),
    "keypointrcnn_resnet50_fpn",
    RETINANET,
    pytest.param("retinanet_resnet50_fpn_v2", marks=LARGE),
    "fcos_resnet50_fpn",
    pytest.param("ssd300_vgg16", marks=LARGE),
    SSDLITE,
]
ONE = [(150, 110)]
EQUAL = [(120, 160), (120, 160)]
# The first two share an input of 96 x 128, which the second does not fill.
MIXED = [(120, 160), (120, 150), (100, 60)]


@dataclass(frozen=True)
class Pair:
    """A model of torchvision, and the same weights in our network.

    Attributes:
        reference: Finds many things in any picture.
        ours: Made of it.
    """

    reference: Any
    ours: Any

    def detector(self, selection: Selection) -> ObjectsDetector:
        """Return ours with all around it, in its precision from the pixels on."""
        contract = contract_of(self.reference)
        labels = tuple(map(str, range(NUM_CLASSES)))
        return ObjectsDetector(
            self.ours,
            selection,
            labels=labels,
            contract=contract,
            input_size=contract.size,
            device=torch.device("cpu"),
            dtype=next(self.ours.parameters()).dtype,
        )

    def select(self, score_threshold: float) -> Selection:
        """Set the reference's threshold, and return the same for ours."""
        stage = getattr(self.reference, "roi_heads", self.reference)
        stage.score_thresh = score_threshold
        return Selection(score_threshold, stage.nms_thresh)

    def ask_reference(self, pictures: Sequence[Tensor]) -> list[Found]:
        """Return what torchvision finds: in one batch, or in each picture alone.

        Its batches are padded to the largest picture, and what it finds depends on it. Ours
        are not, so that pictures of several sizes are looked at one by one.
        """
        dtype = next(self.reference.parameters()).dtype
        floats = [picture.to(dtype) / 255 for picture in pictures]
        is_batch = len({picture.shape for picture in pictures}) == 1
        batches = [floats] if is_batch else [[picture] for picture in floats]
        return [_without_slivers(one) for batch in batches for one in self.reference(batch)]


@pytest.fixture(scope="module", params=MODELS)
def pair(request: pytest.FixtureRequest) -> Pair:
    """A model that finds many objects in any picture, once for all its tests."""
    name: str = request.param
    limit = "box_detections_per_img" if "rcnn" in name else "detections_per_img"
    options: dict[str, Any] = {"num_classes": 2 if "keypoint" in name else NUM_CLASSES}
    options[limit] = 6 if name.startswith(("mask", "keypoint")) else 30
    if "ssd" not in name:
        options |= {"min_size": 96, "max_size": 160}
    if "rcnn" in name:
        options |= {"rpn_pre_nms_top_n_test": 200, "rpn_post_nms_top_n_test": 60}
    if "keypoint" in name:  # two of eight layers: the others cost time and tell nothing
        options["keypoint_head"] = KeypointRCNNHeads(256, (512, 512))
    reference = build_reference(
        name,
        num_pictures=8 if "mobilenet" in name else 2,
        fixed_size=160 if name == SSDLITE else None,
        **options,
    ).double()
    return Pair(reference, make_batched(copy.deepcopy(reference)))


def _without_slivers(found: Found) -> Found:
    """Leave out what was clipped to nothing, which torchvision keeps in one-stage models."""
    sides = found["boxes"][:, 2:] - found["boxes"][:, :2]
    return {key: value[(sides > MIN_SIDE_PX).all(dim=1)] for key, value in found.items()}


def _assert_same(got: Detections, want: Found, *, score_tolerance: float = 1e-6) -> None:
    """Compare row by row: labels, boxes, scores, keypoints and masks, in the same order."""
    assert got.labels.tolist() == want["labels"].tolist()
    np.testing.assert_allclose(got.boxes_xyxy, want["boxes"].numpy(), rtol=0, atol=1e-3)
    scores = want["scores"].numpy()
    np.testing.assert_allclose(got.scores, scores, rtol=0, atol=score_tolerance)
    assert (got.keypoints is None, got.masks is None) == (
        "keypoints" not in want,
        "masks" not in want,
    )
    if got.keypoints is not None:
        places = want["keypoints"][..., :2].numpy()
        np.testing.assert_allclose(got.keypoints[..., :2], places, rtol=0, atol=1e-3)
        scores = want["keypoints_scores"].sigmoid().numpy()
        np.testing.assert_allclose(got.keypoints[..., 2], scores, rtol=0, atol=score_tolerance)
    if got.masks is not None:
        np.testing.assert_array_equal(got.masks.dense(), want["masks"].numpy()[:, 0] >= 0.5)


@pytest.mark.parametrize("sizes", [ONE, EQUAL, MIXED], ids=["one", "equal", "mixed"])
@torch.inference_mode()
def test_each_frame_of_a_batch_gets_what_torchvision_finds_in_it(
    pair: Pair, paint: Painter, sizes: list[tuple[int, int]]
) -> None:
    """Labels, boxes, scores, keypoints and masks are the same, in the same order."""
    detector = pair.detector(pair.select(0.2))
    pictures = [paint(*size) for size in sizes]

    got = detector.detect(frames_of(pictures))

    want = pair.ask_reference(pictures)
    assert all(len(found["boxes"]) > 1 for found in want)
    for mine, theirs in zip(got, want, strict=True):
        _assert_same(mine, theirs)
    if got[0].masks is not None:
        assert got[0].masks.areas().any()


@torch.inference_mode()
def test_one_object_in_a_batch_and_none_are_the_same_too(pair: Pair, paint: Painter) -> None:
    """Frames without an object give no rows, whether or not their neighbours have some."""
    pictures = [paint(*size) for size in EQUAL]
    frames = frames_of(pictures)
    pair.select(0.2)
    scores = torch.cat([found["scores"] for found in pair.ask_reference(pictures)])
    best, second = scores.sort(descending=True).values[:2].tolist()

    none = pair.detector(pair.select((1 + best) / 2)).detect(frames)
    one = pair.detector(pair.select((best + second) / 2)).detect(frames)

    assert [len(found) for found in none] == [0, 0]
    assert sorted(len(found) for found in one) == [0, 1]
    for mine, theirs in zip(one, pair.ask_reference(pictures), strict=True):
        _assert_same(mine, theirs)
    assert pair.detector(pair.select(0.2)).detect([]) == []


@pytest.mark.parametrize("pair", [FASTER, RETINANET, SSDLITE], indirect=True)
@torch.inference_mode()
def test_a_class_filter_only_leaves_out(
    pair: Pair, paint: Painter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wanted class is found as without the filter, where no limit cuts anything off."""
    stage = getattr(pair.reference, "roi_heads", pair.reference)
    for model in (stage, getattr(pair.ours, "model", stage)):
        monkeypatch.setattr(model, "detections_per_img", 100_000)
        monkeypatch.setattr(model, "topk_candidates", 100_000, raising=False)
    pictures = [paint(*size) for size in EQUAL]
    selection = pair.select(0.3)
    all_found = pair.ask_reference(pictures)
    wanted = int(all_found[0]["labels"][0])
    selection = replace(selection, class_indices=(wanted,))

    got = pair.detector(selection).detect(frames_of(pictures))

    for mine, every in zip(got, all_found, strict=True):
        is_wanted = every["labels"] == wanted
        _assert_same(mine, {key: value[is_wanted] for key, value in every.items()})


@pytest.mark.parametrize("pair", [FASTER], indirect=True)
@torch.inference_mode()
def test_single_precision_gives_the_same_where_rounding_is_not_multiplied(
    pair: Pair, paint: Painter
) -> None:
    """In float32, as flows run, a shallow network gives the same boxes to 1e-3 px."""
    single = Pair(copy.deepcopy(pair.reference).float(), copy.deepcopy(pair.ours).float())
    detector = single.detector(single.select(0.3))
    pictures = [paint(*size) for size in MIXED]

    got = detector.detect(frames_of(pictures))

    for mine, theirs in zip(got, single.ask_reference(pictures), strict=True):
        assert len(mine)
        _assert_same(mine, theirs, score_tolerance=1e-4)
