"""Our batched way against torchvision's own, with seeded weights that find many things."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.nets.torchvision.reference import build_reference
from videoflow.data import Detections, Frame, Stamp
from videoflow.nets.card import InputContract
from videoflow.nets.detector import ObjectsDetector
from videoflow.nets.postprocess import Selection
from videoflow.nets.preprocess import make_inputs
from videoflow.nets.segmenter import Segmenter
from videoflow.nets.torchvision.factories import make_batched

Painter = Callable[[int, int], Tensor]

NUM_CLASSES = 7
MIN_SIDE_PX = 0.01
EQUAL = [(120, 160), (120, 160), (120, 160)]
MIXED = [(120, 160), (100, 60), (48, 64), (150, 150)]
DETECTORS = [
    "fasterrcnn_resnet50_fpn",
    "fasterrcnn_resnet50_fpn_v2",
    "fasterrcnn_mobilenet_v3_large_fpn",
    "fasterrcnn_mobilenet_v3_large_320_fpn",
    "maskrcnn_resnet50_fpn",
    "maskrcnn_resnet50_fpn_v2",
    "keypointrcnn_resnet50_fpn",
    "retinanet_resnet50_fpn",
    "retinanet_resnet50_fpn_v2",
    "fcos_resnet50_fpn",
    "ssd300_vgg16",
    "ssdlite320_mobilenet_v3_large",
]
SEGMENTERS = [
    "deeplabv3_resnet50",
    "deeplabv3_resnet101",
    "deeplabv3_mobilenet_v3_large",
    "fcn_resnet50",
    "fcn_resnet101",
    "lraspp_mobilenet_v3_large",
]


def floats(pictures: Sequence[Tensor]) -> list[Tensor]:
    return [picture.float() / 255 for picture in pictures]


def frames_of(pictures: Sequence[Tensor]) -> list[Frame]:
    return [
        Frame(p, Stamp("door", at, 0.0, (p.shape[1], p.shape[2])), "rgb")
        for at, p in enumerate(pictures)
    ]


def contract_of(model: nn.Module) -> InputContract:
    """Return the contract that says what ``model.transform`` does."""
    rule: Any = model.transform
    common: dict[str, Any] = {
        "channels": "rgb",
        "mean": rule.image_mean,
        "std": rule.image_std,
        "stride": rule.size_divisible,
        "pad_value": 0,
    }
    if rule.fixed_size is not None:
        return InputContract(fit="stretch", size=rule.fixed_size[0], **common)
    return InputContract(
        fit="short_side", size=rule.min_size[-1], max_size=rule.max_size, **common
    )


def select(model: Any, score_threshold: float, limit: int = 30) -> Selection:
    """Set the thresholds of the reference, and return the same for ours."""
    stage = getattr(model, "roi_heads", model)
    stage.score_thresh, stage.detections_per_img = score_threshold, limit
    return Selection(score_threshold, stage.nms_thresh)


@pytest.fixture(scope="module", params=DETECTORS)
def model(request: pytest.FixtureRequest) -> nn.Module:
    """A detection model of torchvision that finds many objects in any picture."""
    name: str = request.param
    options: dict[str, Any] = {"num_classes": 2 if "keypoint" in name else NUM_CLASSES}
    if "ssd" not in name:
        options |= {"min_size": 96, "max_size": 160}
    if "rcnn" in name:
        options |= {"rpn_pre_nms_top_n_test": 200, "rpn_post_nms_top_n_test": 60}
    source = torch.Generator().manual_seed(1)
    pictures = [torch.rand(3, 12, 16, generator=source) for _ in range(2)]
    large = [
        nn.functional.interpolate(p[None], (120, 160), mode="bicubic")[0] for p in pictures
    ]
    return build_reference(name, seed=3, pictures=large, **options)


def without_slivers(found: dict[str, Tensor]) -> dict[str, Tensor]:
    """Leave out what was clipped to nothing, which torchvision keeps in one-stage models."""
    sides = found["boxes"][:, 2:] - found["boxes"][:, :2]
    return {key: value[(sides > MIN_SIDE_PX).all(dim=1)] for key, value in found.items()}


@pytest.mark.parametrize("sizes", [EQUAL[:1], EQUAL, MIXED], ids=["one", "equal", "mixed"])
@torch.inference_mode()
def test_a_batch_gives_the_same_boxes_in_the_same_order(
    model: nn.Module, paint: Painter, sizes: list[tuple[int, int]]
) -> None:
    """In double precision, where no rounding hides anything, all is equal to 1e-6 px."""
    reference: Any = copy.deepcopy(model).double()
    selection = select(reference, 0.2, limit=6)
    ours: Any = make_batched(copy.deepcopy(reference))
    pictures = [paint(*size).double() / 255 for size in sizes]
    batch, _ = reference.transform(pictures)

    want = [without_slivers(found) for found in reference(pictures)]
    got = ours(batch.tensors, content_hw=batch.image_sizes, selection=selection)

    assert sum(len(found["boxes"]) for found in want) > 2
    for at, found in enumerate(want):
        mine = got.image == at
        height, width = (
            side / content
            for side, content in zip(sizes[at], batch.image_sizes[at], strict=True)
        )
        scale = torch.tensor([width, height, width, height], dtype=torch.float64)
        assert got.labels[mine].tolist() == found["labels"].tolist()
        torch.testing.assert_close(got.scores[mine], found["scores"], rtol=0, atol=1e-9)
        torch.testing.assert_close(
            got.boxes_xyxy[mine] * scale, found["boxes"], rtol=0, atol=1e-4
        )


@pytest.mark.parametrize("sizes", [EQUAL, MIXED], ids=["equal", "mixed"])
def test_the_network_sees_the_same_picture(
    model: nn.Module, paint: Painter, sizes: list[tuple[int, int]]
) -> None:
    """Resized, normalised and padded, a frame is what torchvision makes of it alone."""
    rule: Any = model.transform
    pictures = [paint(*size) for size in sizes]
    contract = contract_of(model)

    batches = make_inputs(
        frames_of(pictures),
        contract=contract,
        input_size=contract.size,
        device=torch.device("cpu"),
    )

    for batch in batches:
        for at, image, fit in zip(
            batch.positions, batch.images, batch.letterboxes, strict=True
        ):
            want, _ = rule(floats([pictures[at]]))
            assert fit.content_hw == want.image_sizes[0]
            spread = want.tensors.abs().max().item()
            torch.testing.assert_close(image, want.tensors[0], rtol=0, atol=2e-6 * spread)


def detector_of(model: nn.Module, selection: Selection) -> ObjectsDetector:
    contract = contract_of(model)
    size = contract.size
    network: Any = make_batched(copy.deepcopy(model))
    labels = tuple(map(str, range(NUM_CLASSES)))
    return ObjectsDetector(network, labels, contract, selection, size, torch.device("cpu"))


def assert_found(got: Detections, want: dict[str, Tensor]) -> None:
    """Compare row by row, where rows with scores that differ by rounding may change places.

    The weights are random, and multiply what float32 rounds away: by up to a fifth of a pixel
    in MobileNets. What is exact is compared in double precision, above.
    """
    assert len(got) == len(want["boxes"])
    boxes = want["boxes"].numpy()
    near = np.abs(got.boxes_xyxy[:, None] - boxes[None]).max(axis=2)
    near += 1e3 * np.abs(got.scores[:, None] - want["scores"].numpy()[None])
    near += 1e6 * (got.labels[:, None] != want["labels"].numpy()[None])
    partner = near.argmin(axis=1) if len(got) else np.zeros(0, np.int64)
    assert sorted(partner) == list(range(len(got)))
    np.testing.assert_allclose(got.boxes_xyxy, boxes[partner], rtol=0, atol=0.25)
    np.testing.assert_allclose(got.scores, want["scores"].numpy()[partner], rtol=0, atol=5e-3)
    if "keypoints" in want:
        assert got.keypoints is not None
        gap = np.abs(got.keypoints[..., :2] - want["keypoints"].numpy()[partner][..., :2])
        # Two places of a heatmap may be equally high but for rounding.
        assert (gap.max(axis=2) > 0.25).mean() < 0.01
        scores = want["keypoints_scores"].sigmoid().numpy()[partner]
        np.testing.assert_allclose(got.keypoints[..., 2], scores, rtol=0, atol=1e-2)
    if "masks" in want:
        assert got.masks is not None
        masks = want["masks"].numpy()[partner, 0] >= 0.5
        assert masks.any()
        assert (got.masks.dense() != masks).sum() <= 1e-3 * masks.sum() + 2


@pytest.mark.parametrize("sizes", [EQUAL[:1], EQUAL, MIXED], ids=["one", "equal", "mixed"])
@torch.inference_mode()
def test_frames_give_what_torchvision_gives(
    model: nn.Module, paint: Painter, sizes: list[tuple[int, int]]
) -> None:
    """From pixels to detections, each frame gets what the model says of it alone."""
    detector = detector_of(model, select(model, 0.25))
    pictures = [paint(*size) for size in sizes]

    got = detector.detect(frames_of(pictures))

    for found, picture in zip(got, floats(pictures), strict=True):
        assert_found(found, without_slivers(model([picture])[0]))


@torch.inference_mode()
def test_nothing_is_found_above_every_score(model: nn.Module, paint: Painter) -> None:
    """A batch without an object (all background) gives detections without rows."""
    detector = detector_of(model, Selection(1.0, 0.5, (0,)))

    got = detector.detect(frames_of([paint(120, 160), paint(100, 60)]))

    assert [len(found) for found in got] == [0, 0]
    assert detector.detect([]) == []


@torch.inference_mode()
def test_a_class_filter_only_leaves_out(
    model: nn.Module, paint: Painter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wanted class is found as without the filter, where the limit cuts nothing off."""
    selection = select(model, 0.3, limit=10_000)
    monkeypatch.setattr(model, "topk_candidates", 1_000_000, raising=False)
    everything = detector_of(model, selection)
    frames = frames_of([paint(120, 160), paint(120, 160)])
    all_found = everything.detect(frames)
    wanted = int(all_found[0].labels[0])

    only = detector_of(model, Selection(0.3, selection.nms_threshold, (0, wanted)))
    got = only.detect(frames)

    for found, every in zip(got, all_found, strict=True):
        want = every[np.isin(every.labels, [0, wanted])]
        assert found.labels.tolist() == want.labels.tolist()
        np.testing.assert_allclose(found.boxes_xyxy, want.boxes_xyxy, rtol=0, atol=1e-3)


@pytest.mark.parametrize("name", SEGMENTERS)
@torch.inference_mode()
def test_every_pixel_gets_the_class_that_torchvision_gives(name: str, paint: Painter) -> None:
    """With the weights' own preprocessing, the class maps are the same but for rounding."""
    from torchvision.transforms._presets import SemanticSegmentation

    pictures = [paint(96, 128), paint(96, 128), paint(130, 90)]
    options = {"num_classes": NUM_CLASSES} | ({} if "lraspp" in name else {"aux_loss": True})
    reference = build_reference(name, seed=2, pictures=floats(pictures[:2]), **options)
    contract = InputContract(
        channels="rgb",
        fit="short_side",
        size=64,
        has_low_pass=True,
        mean=(0.485, 0.456, 0.406),
        std=(0.229, 0.224, 0.225),
        pad_value=0,
    )
    prepare = SemanticSegmentation(resize_size=64)
    maps = [reference(prepare(p)[None])["out"].argmax(1, keepdim=True) for p in pictures]
    network: Any = make_batched(reference)
    segmenter = Segmenter(network, tuple("abcdefg"), contract, 64, torch.device("cpu"))

    got = segmenter.segment(frames_of(pictures))

    for found, want, picture in zip(got, maps, pictures, strict=True):
        stretched = nn.functional.interpolate(
            want.float(), (picture.shape[1], picture.shape[2]), mode="nearest-exact"
        )[0, 0]
        assert len(np.unique(found.class_map)) > 1
        assert (found.class_map != stretched.numpy()).mean() < 1e-3
    assert segmenter.segment([]) == []
