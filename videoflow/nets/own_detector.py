"""Models that somebody else's code builds, and detectors that are somebody else's whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import nn

from videoflow.data.detections import Detections
from videoflow.data.frame import Frame
from videoflow.errors import ModelError
from videoflow.nets.builder import find_function
from videoflow.nets.postprocess import Selection

__all__ = ["OwnDetector", "build_model"]


def build_model(function: str, *, device: torch.device) -> nn.Module | OwnDetector:
    """Call ``package.module:function`` with the device.

    Raises:
        ModelError: It is not there, or builds neither a network nor a detector.
    """
    built = find_function(function, where="model")(device)
    if isinstance(built, nn.Module):
        return built
    if not callable(getattr(built, "detect", None)) or not getattr(built, "labels", None):
        raise ModelError(
            f"model {function!r}: built a {type(built).__name__}, want a torch.nn.Module, "
            "or a detector with labels and detect()"
        )
    everything = Selection(score_threshold=0.0, nms_threshold=1.0)
    return OwnDetector(built, tuple(built.labels), function, everything)


@dataclass(frozen=True, slots=True)
class OwnDetector:
    """Somebody else's detector, whose answers are checked and selected from.

    Attributes:
        detector: See ``nets.detector.Detector``.
        labels: Its class names.
        name: Of the function that built it.
        selection: Which detections stay; overlaps are the detector's own affair.
    """

    detector: Any = field(repr=False)
    labels: tuple[str, ...] = field(repr=False)
    name: str
    selection: Selection

    def selecting(self, selection: Selection) -> OwnDetector:
        """Return the detector with another selection."""
        return replace(self, selection=selection)

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        """Return the detections of each frame; see ``Detector.detect``.

        Raises:
            ModelError: An answer that is not one ``Detections`` for each frame.
        """
        return self.begin(frames)()

    def begin(self, frames: Sequence[Frame]) -> Callable[[], list[Detections]]:
        """Queue ``detect`` if the detector has a ``begin`` too, else do all of it."""
        if not frames:
            return list
        if hasattr(self.detector, "begin"):
            finish: Callable[[], Any] = self.detector.begin(frames)
            return lambda: self._check(finish(), len(frames))
        found = self._check(self.detector.detect(frames), len(frames))
        return lambda: found

    def _check(self, found: Any, num_frames: int) -> list[Detections]:
        if len(found) != num_frames or not all(isinstance(one, Detections) for one in found):
            kinds = ", ".join(sorted({type(one).__name__ for one in found}))
            raise ModelError(
                f"model {self.name!r}: got {len(found)} answers ({kinds}) for {num_frames} "
                "frames, want one Detections for each"
            )
        return [self._select(one) for one in found]

    def _select(self, found: Detections) -> Detections:
        stays = found.scores >= self.selection.score_threshold
        if self.selection.class_indices is not None:
            stays &= np.isin(found.labels, self.selection.class_indices)
        return found[stays]
