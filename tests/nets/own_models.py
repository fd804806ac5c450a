"""Networks and detectors as a user would bring them: all find one bright rectangle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from videoflow.data import Detections, Frame
from videoflow.nets.card import InputContract, OutputContract

LABELS = ("dark", "bright")
SIZE = 32


class Brightest(nn.Module):
    """Finds the bounding box of what is brighter than half; its score is its mean level.

    Args:
        form: In which form it answers.
    """

    labels = LABELS
    input = InputContract(channels="rgb", size=(SIZE, SIZE), pad_value=0, mean=(0, 0, 0))

    def __init__(self, form: Any = "xyxy_batch") -> None:
        super().__init__()
        self.form: str = form
        self.output = OutputContract(form=form)
        self.level = nn.Parameter(torch.tensor(0.5))

    def forward(self, images: Tensor) -> Any:
        mask = (images.mean(dim=1) > self.level).to(images.dtype)  # [N, H, W]
        places = torch.arange(SIZE, dtype=images.dtype, device=images.device)
        columns, rows = mask.amax(dim=1), mask.amax(dim=2)
        left_top = torch.stack([_first(part, places) for part in (columns, rows)], dim=1)
        right_bottom = torch.stack([_last(part, places) for part in (columns, rows)], dim=1)
        boxes = torch.cat((left_top, right_bottom), dim=1).unsqueeze(1)  # [N, 1, 4]
        found = mask.amax(dim=(1, 2)).unsqueeze(1)  # [N, 1]
        scores = found * (images * mask.unsqueeze(1)).amax(dim=(1, 2, 3)).unsqueeze(1)
        return self.answer(boxes, scores)

    def answer(self, boxes: Tensor, scores: Tensor) -> Any:
        labels = torch.ones_like(scores, dtype=torch.int64)
        center, size = (boxes[..., :2] + boxes[..., 2:]) / 2, boxes[..., 2:] - boxes[..., :2]
        both = torch.stack((torch.zeros_like(scores), scores), dim=-1)  # [N, 1, 2]
        if self.form == "xyxy_batch":
            return boxes, scores, labels
        if self.form == "xyxy_single":
            return boxes[0], scores[0], labels[0]
        if self.form == "cxcywh_class_scores":
            return torch.cat((center, size, both), dim=-1).transpose(1, 2)
        if self.form == "cxcywh_scores":
            sure = torch.ones_like(scores).unsqueeze(-1)
            return torch.cat((center, size, sure, both), dim=-1)
        sure = torch.full_like(scores, 20.0)
        return torch.cat((center, size), dim=-1), sure, torch.logit(both, eps=1e-4)


class Listing(nn.Module):
    """As ``Brightest``, in torchvision's way: a list in, a list of dictionaries out."""

    labels = LABELS
    input = Brightest.input
    output = OutputContract(form="xyxy_list")

    def __init__(self) -> None:
        super().__init__()
        self.inner = Brightest()

    def forward(self, images: list[Tensor]) -> list[dict[str, Tensor]]:
        boxes, scores, labels = self.inner(torch.stack(images))
        return [
            {"labels": labels[k], "boxes": boxes[k], "scores": scores[k]}
            for k in range(len(images))
        ]


def _first(part: Tensor, places: Tensor) -> Tensor:
    return (part * (SIZE - places)).amax(dim=1).neg() + SIZE


def _last(part: Tensor, places: Tensor) -> Tensor:
    return (part * (places + 1)).amax(dim=1)


class WholeDetector:
    """A detector that wants no help: it says how bright the whole frame is."""

    labels = LABELS

    def __init__(self, device: torch.device) -> None:
        self.device = device

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        found = []
        for frame in frames:
            height, width = frame.size_hw
            level = frame.rgb().float().mean().item() / 255
            found.append(
                Detections(
                    frame.stamp,
                    boxes_xyxy=np.array([[0, 0, width, height]] * 2, np.float32),
                    scores=np.array([level, 1 - level], np.float32),
                    labels=np.array([1, 0]),
                )
            )
        return found


def build_network(device: torch.device) -> nn.Module:
    """Return a network that describes itself."""
    return Brightest("cxcywh_scores")


def build_lister(device: torch.device) -> nn.Module:
    """Return a network in torchvision's way."""
    return Listing()


def build_detector(device: torch.device) -> WholeDetector:
    """Return a detector."""
    return WholeDetector(device)


def build_bare_network(device: torch.device) -> nn.Module:
    """Return a network that says nothing about itself."""
    return nn.Identity()


def build_number(device: torch.device) -> int:
    """Return nothing of use."""
    return 3


def from_weights(weights: Any, *, num_classes: int) -> nn.Module:
    """Build a network as a card's factory does."""
    return Brightest("xyxy_batch")
