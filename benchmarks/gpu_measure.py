"""What the parts of ``gpu.py`` share: what is measured, its form, and how a flow is timed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from videoflow.core import Flow, Report
from videoflow.nets.load import resolve_device

__all__ = ["Figures", "Settings", "timed"]

Figures = Iterator[dict[str, Any]]
"""What is known so far; the last is all of it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What is measured.

    Attributes:
        clip: H.264 video.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        model: Name on the shelf.
        precision: See ``ObjectDetector``.
        execution: See ``ObjectDetector``.
        input_size: See ``ObjectDetector``.
        sessions: How many decoders at once.
        batches: Sizes of batches.
        streams: How many files a flow reads at once.
        num_realtime: How many streams the ages are measured with.
        num_slots: How many frames are handed from process to process.
        size_hw: Of the frames that are handed over.
        num_trials: How often a batch is computed.
    """

    clip: Path
    device: str
    model: str
    precision: Any
    execution: Any
    input_size: int | None
    sessions: tuple[int, ...]
    batches: tuple[int, ...]
    streams: tuple[int, ...]
    num_realtime: int
    num_slots: int
    size_hw: tuple[int, int]
    num_trials: int

    @property
    def where(self) -> torch.device:
        """The device that computes."""
        return resolve_device(self.device)


def timed(flow: Flow) -> tuple[float, Report]:
    """Run a flow; return its report, and the seconds from all nodes open to the last frame.

    That a GPU's processes take their time to go is not part of it.
    """
    running = flow.run()
    now = running.progress()
    while now.is_running and now.num_done < (now.num_total or 0):
        time.sleep(0.002)
        now = running.progress()
    return now.elapsed_seconds, running.join()
