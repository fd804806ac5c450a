"""The detector for networks that settle overlaps themselves and list what they found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from videoflow.data.detections import Detections
from videoflow.data.frame import Frame, Stamp
from videoflow.nets.card import OutputContract
from videoflow.nets.frame_calls import FrameModel
from videoflow.nets.letterbox import Letterbox
from videoflow.nets.output_forms import Listed, read_listed
from videoflow.nets.postprocess import Selection, check_numbers
from videoflow.nets.preprocess import InputBatch

__all__ = ["ListedDetector"]


@dataclass(frozen=True, slots=True, eq=False)
class ListedDetector(FrameModel[Detections]):
    """A network that gives boxes, scores and labels, with all around it.

    Attributes:
        network: From float ``[N, 3, H, W]`` (or, for ``xyxy_list``, a list of ``[3, H, W]``)
            to a listed form; on ``device``, in evaluation mode.
        output: In which form it answers.
        selection: Which detections stay; overlaps are the network's own affair.
        batch_size: How many pictures a call takes, at most; None for any number.
    """

    network: Callable[[Any], Any] = field(repr=False)
    output: OutputContract
    selection: Selection
    batch_size: int | None = None

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        """Return the detections of each frame; see ``Detector.detect``.

        Raises:
            ShapeError: A frame without pixels, or outputs that are not of the form.
            LeaseError: A frame that was used after its time.
            ModelError: Numbers that are none.
        """
        return self.begin(frames)()

    def _compute(self, batch: InputBatch) -> list[Listed]:
        images = batch.images
        listed: list[Listed] = []
        for part in torch.split(images, self.batch_size or len(images)):
            raw = self.network(list(part) if self.output.form == "xyxy_list" else part)
            listed += read_listed(raw, self.output, num_images=len(part))
        return listed

    def _read(
        self,
        output: Sequence[Listed],
        stamps: Sequence[Stamp],
        letterboxes: Sequence[Letterbox],
    ) -> list[Detections]:
        return [
            _select(one, stamp, fit, self.selection)
            for one, stamp, fit in zip(output, stamps, letterboxes, strict=True)
        ]


def _select(listed: Listed, stamp: Stamp, fit: Letterbox, selection: Selection) -> Detections:
    boxes, scores, labels = (part.cpu().numpy() for part in listed)
    stays = ~(scores < selection.score_threshold)  # what is no number stays, to be told
    if selection.class_indices is not None:
        stays &= np.isin(labels, selection.class_indices) | np.isnan(scores)
    order = np.argsort(-scores[stays], kind="stable")
    boxes, scores, labels = (part[stays][order] for part in (boxes, scores, labels))
    check_numbers(boxes, scores, stamp=stamp)
    return Detections(
        stamp,
        boxes_xyxy=fit.to_source(boxes.astype(np.float32)),
        scores=scores.astype(np.float32),
        labels=labels.astype(np.int64),
    )
