"""For how long people are where."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from videoflow.consumers.json_lines_writer import JsonLinesWriter
from videoflow.consumers.mot_writer import MotWriter
from videoflow.consumers.video_file_writer import VideoFileWriter
from videoflow.core.flow import Flow
from videoflow.processors.heat_map_aggregator import HeatMapAggregator
from videoflow.processors.people_annotator import PeopleAnnotator
from videoflow.processors.zone_counter import ZoneCounter
from videoflow.producers.video_reader import VideoReader, VideoSource
from videoflow.recipes.outputs import output_folder
from videoflow.recipes.steps import Mode, find_people, follow_people

__all__ = ["measure_dwell"]


def measure_dwell(  # noqa: PLR0913 - the inputs of a recipe, by keyword
    source: VideoSource,
    *,
    out: str | Path = "measured",
    zone: Sequence[float] | None = None,
    model: str = "yolox_nano",
    device: str = "auto",
    every: int = 1,
    batch: int = 8,
    mode: Mode = "auto",
) -> Flow:
    """Measure visits to a zone; write ``annotated.mp4``, ``visits.jsonl``, ``heat.jsonl``.

    Who was where in each frame is written too, as ``tracks.txt``.

    Args:
        source: A path, a folder, a pattern, a URL, or a list of these; see ``VideoReader``.
        out: The folder to write into; with several sources, a folder in it for each.
        zone: ``(x1, y1, x2, y2, x3, y3, ...)`` in pixels, the corners along the rim; None for
            the whole picture.
        model: A name from the model shelf.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        every: Look at each so many-th frame only; between them the tracker goes on by itself.
        batch: How many frames the model takes at once, at most.
        mode: See ``Mode``.

    Returns:
        The flow, not started.

    Raises:
        VideoflowError: A value that makes no sense.
    """
    frames = VideoReader(source, device=device)
    people = find_people(frames, model=model, every=every, batch=batch, device=device)
    tracks = follow_people(people, frames)
    visits = ZoneCounter(zone, name="visits")(tracks)
    heat = HeatMapAggregator(every_seconds=60.0, name="heat")(tracks)
    picture = PeopleAnnotator(name="draw")(frames, tracks, visits)
    folder = output_folder(out, source)
    writers = [
        VideoFileWriter(f"{folder}/annotated.mp4", name="write-video")(picture),
        JsonLinesWriter(f"{folder}/visits.jsonl", name="write-visits")(visits),
        JsonLinesWriter(f"{folder}/heat.jsonl", name="write-heat")(heat),
        MotWriter(f"{folder}/tracks.txt", name="write-tracks")(tracks),
    ]
    return Flow(frames.parents, writers, mode, name="measure-dwell")
