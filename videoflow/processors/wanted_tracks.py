"""The input of every node that counts: tracks."""

from __future__ import annotations

from collections.abc import Sequence
from types import NoneType
from typing import Any

from videoflow.core.wanted import wanted_input
from videoflow.data.detections import Tracks

__all__ = ["wanted_tracks"]


def wanted_tracks(node: str, inputs: Sequence[Any]) -> Tracks | None:
    """Return the tracks that a node got, or None where its tracker passed None.

    Raises:
        GraphError: Something else.
    """
    tracks: Tracks | None = wanted_input(
        node,
        inputs,
        0,
        Tracks,
        NoneType,
        help="a tracker goes before it: tracks = ByteTracker()(detections)",
    )
    return tracks
