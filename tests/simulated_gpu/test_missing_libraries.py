"""A flow on a GPU goes on with what the driver has, and says what it misses."""

from __future__ import annotations

import json
import re
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from tests.simulated_gpu.conftest import Run

FLOW = """
import json, sys
from videoflow.core import Flow, FunctionConsumer, FunctionProcessor
from videoflow.producers import VideoFileReader

def look(frame):
    return str(frame.pixels.device), int(frame.pixels.sum())

read = VideoFileReader(sys.argv[1])
seen = FunctionProcessor(look)(read)
flow = Flow([read], [FunctionConsumer(id)(seen)])
values = list(flow.stream(seen))
print(json.dumps([values, flow.join().notes]))
"""
VIDEO = "libnvcuvid.so.1"
ENCODER = "libnvidia-encode.so.1"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("without", "note"),
    [
        pytest.param((ENCODER,), None, id="encoder"),
        pytest.param((VIDEO, ENCODER), rf"uploaded: .*{VIDEO} was not found", id="video"),
    ],
)
def test_a_flow_takes_the_way_that_is_left(
    without: tuple[str, ...], note: str | None, run_python: Run, test_data: Path
) -> None:
    """Without NVDEC the CPU decodes and uploads, with a note; the encoder's is not missed."""
    clip = test_data / "decode" / "bt601_limited_range.mp4"
    want, _ = _values_and_notes(run_python("-c", FLOW, str(clip), num_gpus=0))

    got, notes = _values_and_notes(run_python("-c", FLOW, str(clip), without=without))

    assert {device for device, _ in got} == {"cuda:0"}
    assert [value for _, value in got] == [value for _, value in want]
    assert len(notes) == (note is not None)
    assert note is None or re.search(note, notes[0])


def _values_and_notes(done: CompletedProcess[str]) -> Any:
    assert done.returncode == 0, done.stdout
    return json.loads(done.stdout.splitlines()[-1])
