"""Names of streams: each has one of its own, and everything that leaves the flow bears it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.clips import write_clip
from tests.flows.nodes import Collect, Same, collected
from videoflow.consumers import JsonLinesWriter, VideoFileWriter
from videoflow.core import (
    Flow,
    FlowType,
    FunctionProcessor,
    IterableProducer,
    ProcessorNode,
    Streams,
)
from videoflow.data import Detections, Frame, Stamp
from videoflow.producers import VideoFileReader
from videoflow.video.probe import probe


def empty_detections(frame: Frame) -> Detections:
    return Detections.empty(frame.stamp)


def readers_of_one_name(folder: Path) -> list[VideoFileReader]:
    """Return readers of two clips, one called ``door`` of 6 frames, and another of 9."""
    clips = [folder / "front" / "door.mp4", folder / "back" / "door.mp4"]
    for clip, num_frames in zip(clips, (6, 9), strict=True):
        clip.parent.mkdir()
        write_clip(clip, num_frames=num_frames)
    return [VideoFileReader(clip, device="cpu", num_threads=1) for clip in clips]


@pytest.mark.parametrize("placement", ["process", "fused"])
def test_two_sources_of_one_name_have_files_of_their_own(
    tmp_path: Path, placement: Any
) -> None:
    """Report, paths and stamps say ``door`` and ``door-2``, and no frame is in both."""
    front, back = readers_of_one_name(tmp_path)
    frames = Streams(front, back)
    found = FunctionProcessor(empty_detections)(frames)
    seen = FunctionProcessor(lambda f: {"stream": f.stream, "frame": f.index})(frames)
    writers = [
        VideoFileWriter(tmp_path / "out" / "{stream}.mp4")(frames),
        JsonLinesWriter(tmp_path / "out" / "{stream}.jsonl")(found),
        JsonLinesWriter(tmp_path / "out" / "all.jsonl")(seen),
    ]

    report = Flow([front, back], writers, placement=placement).run().join()

    lines = {
        path.stem: path.read_text().splitlines() for path in (tmp_path / "out").glob("*.jsonl")
    }
    rows = [json.loads(line) for line in lines["all"]]
    assert {stream.stream: stream.num_delivered for stream in report.streams} == {
        "door": 6,
        "door-2": 9,
    }
    assert probe(tmp_path / "out" / "door.mp4").num_frames == 6
    assert probe(tmp_path / "out" / "door-2.mp4").num_frames == 9
    assert {name: len(some) for name, some in lines.items()} == {
        "door": 6,
        "door-2": 9,
        "all": 15,
    }
    assert sorted((row["stream"], row["frame"]) for row in rows) == [
        *(("door", index) for index in range(6)),
        *(("door-2", index) for index in range(9)),
    ]


class StreamOf(ProcessorNode):
    """Says whose item it got."""

    def process(self, *inputs: Any) -> str:
        return str(inputs[0].stamp.stream)


@pytest.mark.parametrize("flow_type", ["batch", "realtime"])
@pytest.mark.parametrize(
    ("stamped", "streams"),
    [
        pytest.param("door", {"door", "door-2"}, id="with-its-own-name"),
        pytest.param("gate", {"gate"}, id="with-a-name-of-its-items"),
    ],
)
def test_only_a_producers_own_name_is_changed(
    tmp_path: Path, flow_type: FlowType, stamped: str, streams: set[str]
) -> None:
    """Items that say another stream than their producer's keep what they say."""
    item = Detections.empty(Stamp(stamped, 0, 0.0, (48, 64)))
    sources = [IterableProducer([item], name="door") for _ in range(2)]
    told = Same()(StreamOf()(Streams(*sources)))

    Flow(sources, [Collect(tmp_path / "got")(told)], flow_type).run().join()

    assert set(collected(tmp_path / "got")) == streams
