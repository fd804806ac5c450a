"""Videos in which nobody is to be known."""

from __future__ import annotations

from pathlib import Path

from videoflow.consumers.video_file_writer import VideoFileWriter
from videoflow.core.flow import Flow
from videoflow.processors.face_blurrer import FaceBlurrer
from videoflow.producers.video_reader import VideoReader, VideoSource
from videoflow.recipes.outputs import output_folder
from videoflow.recipes.steps import Mode, find_people

__all__ = ["blur_faces"]


def blur_faces(  # noqa: PLR0913 - the inputs of a recipe, by keyword
    source: VideoSource,
    *,
    out: str | Path = "blurred",
    min_score: float = 0.1,
    model: str = "yolox_nano",
    device: str = "auto",
    every: int = 1,
    batch: int = 8,
    mode: Mode = "auto",
) -> Flow:
    """Hide the upper part of each person; write ``blurred.mp4``.

    What the model never finds cannot be hidden: look at the result before it leaves the house.

    Args:
        source: A path, a folder, a pattern, a URL, or a list of these; see ``VideoReader``.
        out: The folder to write into; with several sources, a folder in it for each.
        min_score: How sure the model must be, 0 to 1; low, because hiding a lamp post does
            less harm than showing a face.
        model: A name from the model shelf.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        every: Look at each so many-th frame only; between them faces stay hidden where they
            were, and the hidden regions grow.
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
    hidden = FaceBlurrer(region="head", name="hide")(frames, people)
    path = f"{output_folder(out, source)}/blurred.mp4"
    writer = VideoFileWriter(path, name="write-video")(hidden)
    return Flow(frames.parents, [writer], mode, name="blur-faces")
