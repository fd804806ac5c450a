"""Networks that look twice: Faster R-CNN, Mask R-CNN, Keypoint R-CNN.

The first look proposes regions, the second says what is in each. Proposals and objects are
flat here, one row for each of the whole batch, with the number of its picture.

Source: Ren et al., *Faster R-CNN*, arXiv:1506.01497; He et al., *Mask R-CNN*,
arXiv:1703.06870; Lin et al., *Feature Pyramid Networks*, arXiv:1612.03144, equation 1;
numbers and order of the steps as in torchvision 0.29.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.rpn import concat_box_prediction_layers
from torchvision.ops import MultiScaleRoIAlign, roi_align
from torchvision.ops.poolers import LevelMapper

from videoflow.nets.keypoint_peaks import find_peaks
from videoflow.nets.objects import Objects
from videoflow.nets.postprocess import Selection
from videoflow.nets.ranking import best_of_each
from videoflow.nets.torchvision.anchors import Anchors
from videoflow.nets.torchvision.overlaps import suppress_in_groups
from videoflow.nets.torchvision.selecting import (
    MIN_SIDE_PX,
    Candidates,
    clip,
    exact,
    find_classes,
    is_larger,
    keep_best,
)

__all__ = ["RegionNetwork"]

Levels = dict[str, Tensor]


class RegionNetwork(nn.Module):
    """A two-stage network, for whole batches; see ``nets.objects.ObjectsNetwork``.

    Args:
        model: With its weights, in evaluation mode.
    """

    def __init__(self, model: FasterRCNN) -> None:
        super().__init__()
        self.backbone = model.backbone
        self.rpn = model.rpn
        self.heads = model.roi_heads
        self.anchors = Anchors(model.rpn.anchor_generator)

    def forward(
        self, images: Tensor, *, content_hw: Sequence[tuple[int, int]], selection: Selection
    ) -> Objects:
        """Return the objects of a batch."""
        heads = self.heads
        levels: Levels = self.backbone(images)
        image, regions = self._propose(images, levels, content_hw=content_hw)
        pooled = self._pool(heads.box_roi_pool, images, levels, image=image, boxes=regions)
        logits, deltas = heads.box_predictor(heads.box_head(pooled))
        scores = exact(logits).softmax(dim=1)  # [R, C], background first
        region, label = find_classes(
            scores, selection.score_threshold, selection=selection, first=1
        )
        deltas = exact(deltas).view(len(deltas), -1, 4)[region, label]
        boxes = heads.box_coder.decode_single(deltas, regions[region])
        boxes = clip(boxes, image[region], content_hw=content_hw)
        seen = Candidates(image[region], boxes, scores[region, label], label)
        # What lies outside the picture goes first, and takes nobody's place.
        inside = seen.rows(is_larger(boxes, MIN_SIDE_PX))
        found = keep_best(
            inside, content_hw=content_hw, selection=selection, limit=heads.detections_per_img
        )
        return self._look_closer(found, images, levels)

    def _propose(
        self, images: Tensor, levels: Levels, *, content_hw: Sequence[tuple[int, int]]
    ) -> tuple[Tensor, Tensor]:
        """Return int64 ``[R]``, the picture, and float32 ``[R, 4]``, the box of each region."""
        features = list(levels.values())
        objectness, deltas = self.rpn.head(features)
        sizes = [level[0].numel() for level in objectness]
        flat_objectness, flat_deltas = concat_box_prediction_layers(objectness, deltas)
        scores = exact(flat_objectness).view(len(images), -1)
        place = self._best_places(scores, sizes)  # [N, P]
        level = torch.cat(
            [
                torch.full((min(size, self.rpn.pre_nms_top_n()),), at, device=images.device)
                for at, size in enumerate(sizes)
            ]
        ).expand_as(place)
        chosen = (
            exact(flat_deltas)
            .view(len(images), -1, 4)
            .take_along_dim(place.unsqueeze(2), dim=1)
        )
        anchors = self.anchors(images, features)[place]
        boxes = self.rpn.box_coder.decode_single(chosen.flatten(0, 1), anchors.flatten(0, 1))
        image = torch.arange(len(images), device=images.device).repeat_interleave(
            place.shape[1]
        )
        boxes = clip(boxes, image, content_hw=content_hw)
        score = scores.gather(1, place).flatten().sigmoid()
        stays = is_larger(boxes, self.rpn.min_size) & (score >= self.rpn.score_thresh)
        regions = Candidates(image, boxes, score, level.flatten()).rows(stays)
        kept = suppress_in_groups(
            regions.boxes,
            regions.scores,
            regions.image * len(sizes) + regions.labels,
            iou_threshold=self.rpn.nms_thresh,
        )
        regions = regions.rows(kept)
        best = best_of_each(regions.scores, regions.image, limit=self.rpn.post_nms_top_n())
        return regions.image[best], regions.boxes[best]

    def _best_places(self, scores: Tensor, sizes: Sequence[int]) -> Tensor:
        """Return int64 ``[N, P]``: the most promising anchors of each level."""
        limit = self.rpn.pre_nms_top_n()
        places, start = [], 0
        for level in torch.split(scores, list(sizes), dim=1):
            size = level.shape[1]
            places.append(level.topk(min(limit, size), dim=1).indices + start)
            start += size
        return torch.cat(places, dim=1)

    def _look_closer(self, found: Objects, images: Tensor, levels: Levels) -> Objects:
        """Add masks and keypoints where the network has them."""
        heads = self.heads
        where = {"image": found.image, "boxes": found.boxes_xyxy}
        if heads.has_mask():
            pooled = self._pool(heads.mask_roi_pool, images, levels, **where)
            logits = exact(heads.mask_predictor(heads.mask_head(pooled)))
            of_class = logits[torch.arange(len(logits), device=logits.device), found.labels]
            found = found._replace(mask_scores=of_class.sigmoid())
        if heads.has_keypoint():
            pooled = self._pool(heads.keypoint_roi_pool, images, levels, **where)
            maps = exact(heads.keypoint_predictor(heads.keypoint_head(pooled)))
            found = found._replace(keypoints=find_peaks(maps, found.boxes_xyxy))
        return found

    def _pool(
        self,
        pool: MultiScaleRoIAlign,
        images: Tensor,
        levels: Levels,
        *,
        image: Tensor,
        boxes: Tensor,
    ) -> Tensor:
        """Return float ``[R, C, h, w]``: what the network sees in each region.

        The library's module remembers the scales of the first batch it sees, and guesses
        them from the pictures; here they are those of the padded input, which are exact.
        """
        used = [levels[name] for name in pool.featmap_names if name in levels]
        strides = [images.shape[2] // level.shape[2] for level in used]
        first, last = (int(math.log2(stride)) for stride in (strides[0], strides[-1]))
        rois = torch.cat((image.unsqueeze(1).to(boxes.dtype), boxes), dim=1)
        level_of = LevelMapper(first, last, pool.canonical_scale, pool.canonical_level)([boxes])
        size = pool.output_size
        out = used[0].new_empty((len(rois), used[0].shape[1], *size))
        for at, (level, stride) in enumerate(zip(used, strides, strict=True)):
            rows = (level_of == at).nonzero().squeeze(1)
            seen = roi_align(exact(level), rois[rows], size, 1 / stride, pool.sampling_ratio)
            out[rows] = seen.to(out.dtype)
        return out
