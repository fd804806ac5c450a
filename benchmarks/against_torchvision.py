"""Time of a detection family beside torchvision's own forward, in one run.

    python benchmarks/against_torchvision.py --threads 1

Both get the same seeded pictures and weights, on one device, and take turns; each figure is
the median of the rounds in milliseconds a frame, the ratio is torchvision's time over ours.
Ours begins with uint8 frames and ends with ``Detections`` on the host; torchvision's begins
with the float pictures that it wants and ends with its tensors. The weights are random; the
layers that name classes are scaled so that most places are background and some are objects,
as in trained networks (``--background``: the more, the fewer). Prints one JSON object.
"""

from __future__ import annotations

import argparse
import copy
import json
import re
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from machine import machine
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models import get_model
from torchvision.models.detection import FCOS, RetinaNet

from videoflow.data import Frame, Stamp
from videoflow.nets.card import load_card
from videoflow.nets.detector import ObjectsDetector
from videoflow.nets.postprocess import Selection
from videoflow.nets.torchvision.factories import make_batched

FAMILIES = [
    "ssdlite320_mobilenet_v3_large",
    "fasterrcnn_mobilenet_v3_large_320_fpn",
    "retinanet_resnet50_fpn",
]


LAST_LAYERS = re.compile(r"cls_logits|cls_score|classification_head\.module_list\.\d+(\.1)?$")
NUM_CLASSES = 91
SPREAD = 2.0
"""Of the logits of a class, over the places of a picture."""


@torch.inference_mode()
def build(name: str, pictures: list[Tensor], *, background: float) -> nn.Module:
    """Return the model with seeded weights that find something, most places being empty."""
    torch.manual_seed(0)
    model: Any = get_model(name, weights=None, weights_backbone=None).eval()
    model.requires_grad_(False)
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = 1.0  # what it sees next is what it knows
        norm.train()
    model(pictures)
    model.eval()
    hooks = [
        module.register_forward_hook(
            _Scale(background, has_background=not isinstance(model, RetinaNet | FCOS))
        )
        for path, module in model.named_modules()
        if LAST_LAYERS.search(path) and isinstance(module, nn.Conv2d | nn.Linear)
        if module.bias is not None and len(module.bias) % NUM_CLASSES == 0
    ]
    model(pictures)
    for hook in hooks:
        hook.remove()
    built: nn.Module = model
    return built


class _Scale:
    """A hook that gives the logits of a layer their spread, when it is first called."""

    def __init__(self, background: float, *, has_background: bool) -> None:
        self.background = background
        self.has_background = has_background
        self.is_done = False

    def __call__(self, layer: Any, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor | None:
        if self.is_done:  # RetinaNet's is called for each level
            return None
        self.is_done = True
        values = output.movedim(1, -1).flatten(0, -2)  # [places, channels]
        factor = SPREAD / values.std(dim=0).clamp(min=1e-6)
        wanted = torch.zeros(len(layer.bias) // NUM_CLASSES, NUM_CLASSES)
        if self.has_background:
            wanted[:, 0] = self.background
        else:
            wanted -= self.background
        layer.weight.mul_(factor.view(-1, *[1] * (layer.weight.dim() - 1)))
        layer.bias.sub_(values.mean(dim=0)).mul_(factor).add_(wanted.flatten())
        scaled: Tensor = layer.forward(*inputs)
        return scaled


def make_pictures(num: int, *, height: int, width: int) -> list[Tensor]:
    """Return smooth pictures, uint8 ``[3, H, W]``."""
    source = torch.Generator().manual_seed(1)
    coarse = torch.rand(num, 3, height // 16, width // 16, generator=source)
    smooth = F.interpolate(coarse, (height, width), mode="bicubic").clamp(0, 1)
    return list((255 * smooth).to(torch.uint8))


@torch.inference_mode()
def compare(
    name: str, *, pictures: list[Tensor], device: torch.device, rounds: int, background: float
) -> dict[str, Any]:
    """Return the figures of one family."""
    reference: Any = build(
        name, [picture.float() / 255 for picture in pictures[:2]], background=background
    )
    card = load_card(name)
    selection = Selection(card.output.score_threshold, card.output.nms_threshold)
    stage = getattr(reference, "roi_heads", reference)
    stage.score_thresh, stage.nms_thresh = selection.score_threshold, selection.nms_threshold
    network: Any = make_batched(copy.deepcopy(reference)).to(device)
    reference.to(device)
    detector = ObjectsDetector(
        network,
        selection,
        labels=card.labels,
        contract=card.input,
        input_size=card.input.size,
        device=device,
    )
    frames = [
        Frame(picture, Stamp("bench", at, 0.0, (picture.shape[1], picture.shape[2])), "rgb")
        for at, picture in enumerate(pictures)
    ]
    floats = [picture.to(device).float() / 255 for picture in pictures]
    ways: dict[str, Callable[[], Any]] = {
        "videoflow": lambda: detector.detect(frames),
        "torchvision": lambda: reference(floats),
    }
    times: dict[str, list[float]] = {way: [] for way in ways}
    found: dict[str, Any] = {}
    for turn in range(rounds + 1):
        for way, call in ways.items():
            start = time.perf_counter()
            found[way] = call()
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            if turn:  # the first round warms up
                times[way].append(1e3 * (time.perf_counter() - start) / len(pictures))
    medians = {way: statistics.median(seconds) for way, seconds in times.items()}
    return {
        "ms_per_frame": {way: round(value, 2) for way, value in medians.items()},
        "ratio": round(medians["torchvision"] / medians["videoflow"], 2),
        "num_objects": [len(one) for one in found["videoflow"]],
    }


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", nargs="+", default=FAMILIES)
    parser.add_argument("--batch-size", type=int, default=4)
    parser.add_argument("--height", type=int, default=480)
    parser.add_argument("--width", type=int, default=640)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--background", type=float, default=11.0)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    pictures = make_pictures(chosen.batch_size, height=chosen.height, width=chosen.width)
    result = {
        "benchmark": "against_torchvision",
        "machine": machine(),
        "device": chosen.device,
        "threads": chosen.threads,
        "batch_size": chosen.batch_size,
        "source_hw": [chosen.height, chosen.width],
        "background": chosen.background,
        "rounds": chosen.rounds,
        "models": {
            name: compare(
                name,
                pictures=pictures,
                device=torch.device(chosen.device),
                rounds=chosen.rounds,
                background=chosen.background,
            )
            for name in chosen.models
        },
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
