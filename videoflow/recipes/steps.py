"""The first steps of every recipe about people: find them, follow them."""

from __future__ import annotations

from typing import Any, Literal

from videoflow.core.node import Node
from videoflow.processors.byte_tracker import ByteTracker
from videoflow.processors.object_detector import ObjectDetector

__all__ = ["Mode", "find_people", "follow_people"]

Mode = Literal["auto", "batch", "realtime"]
"""How a recipe's flow runs; ``auto``: ``realtime`` for a live source, ``batch`` for files."""


def find_people(
    frames: Node, *, model: str, every: int, batch: int, device: str, **options: Any
) -> ObjectDetector:
    """Find people in ``frames`` with a model from the shelf.

    Args:
        frames: A reader, or a merge of readers.
        model: A name from the model shelf.
        every: Look at each so many-th frame of a stream only.
        batch: How many frames the model takes at once, at most.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        **options: More for the ``ObjectDetector``.
    """
    return ObjectDetector(
        model,
        classes=["person"],
        every=every,
        max_batch_size=batch,
        device=device,
        name="detect",
        **options,
    )(frames)


def follow_people(people: Node, frames: Node) -> ByteTracker:
    """Give ids to ``people``; ``frames`` tell the time where the detector did not look."""
    # A nano model is less sure of what it sees than the large ones that 0.6 is meant for.
    tracker = ByteTracker(track_threshold=0.4, new_track_threshold=0.7, name="track")
    return tracker(people, frames)
