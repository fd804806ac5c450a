"""Networks that predict a box at every place of their grids: SSD, RetinaNet, FCOS.

Scores are read first, and boxes are made only for the few places that pass.

Source: Liu et al., *SSD*, arXiv:1512.02325; Lin et al., *Focal Loss for Dense Object
Detection*, arXiv:1708.02002; Tian et al., *FCOS*, arXiv:1904.01355; numbers and order of the
steps as in torchvision 0.29.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torchvision.models.detection import FCOS, RetinaNet
from torchvision.models.detection.ssd import SSD

from videoflow.nets.objects import Objects
from videoflow.nets.postprocess import Selection
from videoflow.nets.ranking import best_of_each
from videoflow.nets.torchvision.anchors import Anchors
from videoflow.nets.torchvision.selecting import (
    Candidates,
    exact,
    find_classes,
    keep_best,
    logit_floor,
)

__all__ = ["DenseNetwork"]


class DenseNetwork(nn.Module):
    """A one-stage network, for whole batches; see ``nets.objects.ObjectsNetwork``.

    Args:
        model: With its weights, in evaluation mode.
    """

    def __init__(self, model: SSD | RetinaNet | FCOS) -> None:
        super().__init__()
        self.model = model
        self.anchors = Anchors(model.anchor_generator)

    def forward(
        self, images: Tensor, *, content_hw: Sequence[tuple[int, int]], selection: Selection
    ) -> Objects:
        """Return the objects of a batch."""
        model = self.model
        levels = list(model.backbone(images).values())
        outputs = model.head(levels)
        read = _read_softmax if isinstance(model, SSD) else _read_sigmoids
        seen = read(outputs, selection)
        # SSD keeps so many of each class, the others so many of each level.
        part = seen.label
        if not isinstance(model, SSD):
            part = _level_of(seen.place, levels, num_places=outputs["cls_logits"].shape[1])
        best = best_of_each(
            seen.score, seen.image * (1 << 16) + part, limit=model.topk_candidates
        )
        image, place, label, score = (column[best] for column in seen)
        deltas = exact(outputs["bbox_regression"][image, place])
        anchors = self.anchors(images, levels)[place]
        coder = model.box_coder
        decode = coder.decode if isinstance(model, FCOS) else coder.decode_single
        return keep_best(
            Candidates(image, decode(deltas, anchors), score, label),
            content_hw=content_hw,
            selection=selection,
            limit=model.detections_per_img,
        )


class _Seen(NamedTuple):
    """What passes the threshold: int64 ``[M]`` three times, and float32 ``[M]``."""

    image: Tensor
    place: Tensor
    label: Tensor
    score: Tensor


def _read_softmax(outputs: dict[str, Tensor], selection: Selection) -> _Seen:
    scores = exact(outputs["cls_logits"]).softmax(dim=2)  # [N, A, C], background first
    floor = selection.score_threshold
    image, place, label = find_classes(scores, floor, selection=selection, first=1)
    return _Seen(image, place, label, scores[image, place, label])


def _read_sigmoids(outputs: dict[str, Tensor], selection: Selection) -> _Seen:
    logits = outputs["cls_logits"]  # [N, A, C]
    centerness = outputs.get("bbox_ctrness")  # [N, A, 1], of FCOS
    # FCOS takes the root of two probabilities: neither may be below the threshold's square.
    power = 1 if centerness is None else 2
    floor = logit_floor(selection.score_threshold**power)
    image, place, label = find_classes(logits, floor, selection=selection)
    score = exact(logits[image, place, label]).sigmoid()
    if centerness is not None:
        score = (score * exact(centerness[image, place, 0]).sigmoid()).sqrt()
    seen = _Seen(image, place, label, score)
    return _Seen(*(column[score >= selection.score_threshold] for column in seen))


def _level_of(place: Tensor, levels: Sequence[Tensor], *, num_places: int) -> Tensor:
    """Return which level each place is on, int64 ``[M]``."""
    cells = torch.tensor([level.shape[2] * level.shape[3] for level in levels])
    ends = cells.cumsum(0) * (num_places // int(cells.sum()))
    return torch.bucketize(place, ends.to(place.device), right=True)
