"""A film of drawn people, counted: the whole way through a flow, without any file."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from videoflow.consumers import JsonLinesWriter, StillWriter, VideoFileWriter
from videoflow.core.flow import Flow
from videoflow.data import Counts, LineTotals
from videoflow.processors import ByteTracker, LineCounter, ObjectDetector, PeopleAnnotator
from videoflow.producers import WalkersProducer

__all__ = ["Demo", "DemoResult"]

MODEL = "hog_walkers"

# The detector is sure of nearly all whole people; what it is less sure of is half hidden, or
# nobody.
_TRACKING: dict[str, Any] = {
    "track_threshold": 0.8,
    "new_track_threshold": 0.95,
    "max_lost_frames": 40,
}

_STILL_SECONDS = 0.5  # after a crossing: it is counted, and the line is still bright


@dataclass(frozen=True, slots=True)
class DemoResult:
    """How many the flow counted, beside how many there were.

    Attributes:
        counted: By the flow.
        truth: By the ways that the drawn people go.
        files: What was written: what it is, and where.
    """

    counted: LineTotals
    truth: LineTotals
    files: dict[str, Path]

    @property
    def is_right(self) -> bool:
        """Whether the flow counted as many as there were, in and out."""
        return self.counted == self.truth

    def as_json(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        return {
            "counted": {"in": self.counted.into, "out": self.counted.out_of},
            "truth": {"in": self.truth.into, "out": self.truth.out_of},
            "is_right": self.is_right,
            "files": {what: str(path) for what, path in self.files.items()},
        }


class Demo:
    """An ordinary flow from drawn people to a video with boxes and counts.

    Args:
        out: The folder to write into.
        seed: Of the film.
        seconds: Of the film.

    Raises:
        ShapeError: The film is too short.
    """

    def __init__(self, out: Path, *, seed: int, seconds: float) -> None:
        self._frames = WalkersProducer(seed=seed, seconds=seconds)
        self._files = {
            "video": out / "walkers.mp4",
            "still": out / f"walkers-{self._still_index()}.png",
            "crossings": out / "crossings.jsonl",
        }

    def build(self) -> Flow:
        """Return the flow."""
        frames, line = self._frames, self._frames.line
        people = ObjectDetector(MODEL, every=3, max_batch_size=4)(frames)
        tracks = ByteTracker(**_TRACKING)(people, frames)
        counts = LineCounter(line.start, line.end)(tracks)
        picture = PeopleAnnotator(trail_seconds=1.5)(frames, tracks, counts)
        index = self._still_index()
        still = self._files["still"].with_name("walkers-{index}.png")

        def is_still(counts: Counts) -> str | None:
            return "still" if counts.stamp.index == index else None

        writers = [
            VideoFileWriter(self._files["video"])(picture),
            StillWriter(still, when=is_still)(picture, counts),
            JsonLinesWriter(self._files["crossings"])(counts),
        ]
        return Flow([frames], writers, flow_type="batch", name="demo")

    def result(self) -> DemoResult:
        """Return what came out; after the flow has finished."""
        lines = self._files["crossings"].read_text(encoding="utf-8").splitlines()
        counted = Counter(json.loads(line)["direction"] for line in lines)
        return DemoResult(
            LineTotals(into=counted["in"], out_of=counted["out"]),
            self._frames.truth,
            self._files,
        )

    def _still_index(self) -> int:
        """Return the frame where the last crossing has just been counted."""
        film = self._frames.film
        last = max((passage.seconds for passage in film.passages), default=0.0)
        return min(round((last + _STILL_SECONDS) * film.fps), film.num_frames - 1)
