"""What is ready goes on, whatever still waits before the node."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np

from videoflow.core import ConsumerNode, Flow, ProcessorNode
from videoflow.producers import IntProducer

WORK_SECONDS = 0.05
NUM_TICKETS = 8


class SlowPicture(ProcessorNode):
    """Takes its time for each frame, and returns a large array and when it was ready."""

    def process(self, *inputs: Any) -> Any:
        time.sleep(WORK_SECONDS)
        return np.zeros(9000, np.uint8), time.monotonic()


class Delays(ConsumerNode):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.seconds: list[float] = []

    def consume(self, *inputs: Any) -> None:
        _pixels, ready_seconds = inputs[0]
        self.seconds.append(time.monotonic() - ready_seconds)

    def close(self) -> None:
        self.path.write_text(json.dumps(self.seconds))


def test_a_large_output_does_not_wait_for_the_queue(tmp_path: Path) -> None:
    """A slow node sends each large output on before it takes the next frame."""
    source = IntProducer(0, 15)
    path = tmp_path / "delays.json"
    sink = Delays(path)(SlowPicture()(source))

    Flow([source], [sink], placement="process", tickets=NUM_TICKETS).run().join(60)

    # Worked off as one run, the median would wait for about half the tickets' work.
    assert np.median(json.loads(path.read_text())) < WORK_SECONDS
