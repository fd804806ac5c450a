"""A source that is faster than its model: what comes out is fresh, and the ledger is whole."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from videoflow.core import ConsumerNode, Flow, ProcessorNode, ProducerNode

MODEL_SECONDS = 0.05
SOURCE_FPS = 200
SECONDS = 10


class Camera(ProducerNode):
    """Gives the time of each frame, at its own pace."""

    def __init__(self) -> None:
        super().__init__(name="camera")
        self.at = 0
        self.begin = 0.0

    def next(self) -> Any:
        self.begin = self.begin or time.monotonic()
        if self.at >= SOURCE_FPS * SECONDS:
            raise StopIteration
        due = self.begin + self.at / SOURCE_FPS
        time.sleep(max(0.0, due - time.monotonic()))
        self.at += 1
        return self.at - 1, time.monotonic()


class SlowModel(ProcessorNode):
    def process(self, *inputs: Any) -> Any:
        time.sleep(MODEL_SECONDS)
        return inputs[0]


class Ages(ConsumerNode):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.rows: list[tuple[int, float]] = []

    def consume(self, *inputs: Any) -> None:
        number, made_seconds = inputs[0]
        self.rows.append((number, time.monotonic() - made_seconds))

    def close(self) -> None:
        self.path.write_text(json.dumps(self.rows))


@pytest.mark.slow
def test_newest_frames_win_and_ages_stay_bounded(tmp_path: Path) -> None:
    """200 fps into a 20 fps model for 10 s: p95 of the age under 150 ms beyond the model's."""
    camera = Camera()
    path = tmp_path / "ages.json"
    flow = Flow([camera], [Ages(path)(SlowModel()(camera))], "realtime")

    report = flow.run().join(60)

    rows = json.loads(path.read_text())
    numbers = [number for number, _ in rows]
    ages = np.array([age for _, age in rows])
    assert numbers == sorted(set(numbers))
    assert np.percentile(ages, 95) - MODEL_SECONDS < 0.150
    assert numbers[-1] >= SOURCE_FPS * SECONDS - SOURCE_FPS // 4  # the end is fresh, too
    (stream,) = report.streams
    assert stream.num_read == SOURCE_FPS * SECONDS
    assert stream.num_delivered == len(rows)
    assert stream.dropped == {"stale at the door of camera": stream.num_read - len(rows)}
    assert 0.5 < len(rows) * MODEL_SECONDS / SECONDS <= 1.05
