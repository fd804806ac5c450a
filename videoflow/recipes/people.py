"""Who is in the picture, who walked where, who crossed a line."""

from __future__ import annotations

from pathlib import Path

from videoflow.consumers.json_lines_writer import JsonLinesWriter
from videoflow.consumers.mot_writer import MotWriter
from videoflow.consumers.video_file_writer import VideoFileWriter
from videoflow.core.flow import Flow
from videoflow.processors.line_counter import LineCounter
from videoflow.processors.people_annotator import PeopleAnnotator
from videoflow.producers.video_reader import VideoReader, VideoSource
from videoflow.recipes.outputs import output_folder
from videoflow.recipes.steps import Mode, find_people, follow_people

__all__ = ["count_people", "detect_people", "track_people"]


def detect_people(  # noqa: PLR0913 - the inputs of a recipe, by keyword
    source: VideoSource,
    *,
    out: str | Path = "detected",
    min_score: float = 0.3,
    model: str = "yolox_nano",
    device: str = "auto",
    every: int = 1,
    batch: int = 8,
    mode: Mode = "auto",
) -> Flow:
    """Find people in each frame; write ``annotated.mp4`` and ``detections.jsonl``.

    Args:
        source: A path, a folder, a pattern, a URL, or a list of these; see ``VideoReader``.
        out: The folder to write into; with several sources, a folder in it for each.
        min_score: How sure the model must be, 0 to 1; less finds more, also what is nobody.
        model: A name from the model shelf.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        every: Look at each so many-th frame only.
        batch: How many frames the model takes at once, at most.
        mode: See ``Mode``.

    Returns:
        The flow, not started.

    Raises:
        VideoflowError: A value that makes no sense.
    """
    frames = VideoReader(source, device=device)
    people = find_people(
        frames, model=model, every=every, batch=batch, device=device, score_threshold=min_score
    )
    picture = PeopleAnnotator(name="draw")(frames, people)
    folder = output_folder(out, source)
    writers = [
        VideoFileWriter(f"{folder}/annotated.mp4", name="write-video")(picture),
        JsonLinesWriter(f"{folder}/detections.jsonl", name="write-detections")(people),
    ]
    return Flow(frames.parents, writers, mode, name="detect-people")


def track_people(  # noqa: PLR0913 - the inputs of a recipe, by keyword
    source: VideoSource,
    *,
    out: str | Path = "tracked",
    model: str = "yolox_nano",
    device: str = "auto",
    every: int = 1,
    batch: int = 8,
    mode: Mode = "auto",
) -> Flow:
    """Follow people from frame to frame; write ``annotated.mp4`` and ``tracks.txt``.

    Args:
        source: As for ``detect_people``, and so are the others.
        out: The folder to write into; with several sources, a folder in it for each.
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
    picture = PeopleAnnotator(trail_seconds=2.0, name="draw")(frames, tracks)
    folder = output_folder(out, source)
    writers = [
        VideoFileWriter(f"{folder}/annotated.mp4", name="write-video")(picture),
        MotWriter(f"{folder}/tracks.txt", name="write-tracks")(tracks),
    ]
    return Flow(frames.parents, writers, mode, name="track-people")


def count_people(  # noqa: PLR0913 - the inputs of a recipe, by keyword
    source: VideoSource,
    *,
    out: str | Path = "counted",
    line: tuple[float, float, float, float] | None = None,
    model: str = "yolox_nano",
    device: str = "auto",
    every: int = 1,
    batch: int = 8,
    mode: Mode = "auto",
) -> Flow:
    """Count who crosses a line; write ``annotated.mp4``, ``counts.jsonl``, ``tracks.txt``.

    Args:
        source: As for ``detect_people``, and so are the others.
        out: The folder to write into; with several sources, a folder in it for each.
        line: ``(x1, y1, x2, y2)`` in pixels; None for one across the middle of the picture,
            from left to right. Whoever goes from its left to its right comes *in*.
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
    start, end = (None, None) if line is None else (line[:2], line[2:])
    counts = LineCounter(start, end, name="count")(tracks)
    picture = PeopleAnnotator(name="draw")(frames, tracks, counts)
    folder = output_folder(out, source)
    writers = [
        VideoFileWriter(f"{folder}/annotated.mp4", name="write-video")(picture),
        JsonLinesWriter(f"{folder}/counts.jsonl", name="write-counts")(counts),
        MotWriter(f"{folder}/tracks.txt", name="write-tracks")(tracks),
    ]
    return Flow(frames.parents, writers, mode, name="count-people")
