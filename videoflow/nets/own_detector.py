"""Models that somebody else's code builds: ``package.module:function``."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np

from videoflow.data.detections import Detections
from videoflow.data.frame import Frame
from videoflow.errors import ModelError
from videoflow.nets.postprocess import Selection

__all__ = ["OwnDetector", "check_builder", "find_function", "is_builder"]


def is_builder(model: str | Path) -> TypeGuard[str]:
    """Return whether ``model`` names a function, as ``package.module:function``."""
    return isinstance(model, str) and ":" in model and "/" not in model


def check_builder(model: str) -> None:
    """Refuse a function whose module is not there, without running the module.

    Raises:
        ModelError: No such module, or no name of this form.
    """
    module = _split(model)[0]
    try:
        is_there = importlib.util.find_spec(module) is not None
    except ImportError:
        is_there = False
    if not is_there:
        raise ModelError(
            f"model {model!r}: there is no module {module!r}",
            help="it must be installed, or lie in a folder of PYTHONPATH",
        )


def find_function(path: str, *, where: str) -> Callable[..., Any]:
    """Import ``package.module:function``.

    Args:
        path: What to import.
        where: Who names it, for messages.

    Raises:
        ModelError: It is not there.
    """
    module, name = _split(path)
    try:
        function: Callable[..., Any] = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ModelError(
            f"{where}: cannot find {path!r}: {error}",
            help="want 'package.module:function', importable in the worker",
        ) from error
    return function


def _split(path: str) -> tuple[str, str]:
    module, _, name = path.partition(":")
    if not all(part.isidentifier() for part in (*module.split("."), name)):
        raise ModelError(f"model: got {path!r}, want 'package.module:function'")
    return module, name


@dataclass(frozen=True, slots=True)
class OwnDetector:
    """Somebody else's detector, whose answers are checked and selected from.

    Attributes:
        detector: See ``nets.detector.Detector``.
        labels: Its class names.
        selection: Which detections stay; overlaps are the detector's own affair.
        name: Of the function that built it.
    """

    detector: Any = field(repr=False)
    labels: tuple[str, ...] = field(repr=False)
    selection: Selection
    name: str

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        """Return the detections of each frame; see ``Detector.detect``.

        Raises:
            ModelError: An answer that is not one ``Detections`` for each frame.
        """
        if not frames:
            return []
        found = self.detector.detect(frames)
        if len(found) != len(frames) or not all(isinstance(one, Detections) for one in found):
            kinds = ", ".join(sorted({type(one).__name__ for one in found}))
            raise ModelError(
                f"model {self.name!r}: got {len(found)} answers ({kinds}) for {len(frames)} "
                "frames, want one Detections for each"
            )
        return [self._select(one) for one in found]

    def _select(self, found: Detections) -> Detections:
        stays = found.scores >= self.selection.score_threshold
        if self.selection.class_indices is not None:
            stays &= np.isin(found.labels, self.selection.class_indices)
        return found[stays]
