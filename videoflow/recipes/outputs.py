"""Where a recipe writes its files."""

from __future__ import annotations

from pathlib import Path

from videoflow.producers.video_reader import VideoSource, list_sources

__all__ = ["output_folder"]


def output_folder(out: str | Path, source: VideoSource) -> str:
    """Return the folder for the files of one stream.

    Args:
        out: As the user said; ``{stream}`` in it stands for the stream's name.
        source: What is read. Of several, each gets a folder of its own in ``out``, unless
            ``out`` says ``{stream}`` itself.

    Example:
        >>> output_folder("counted", "door.mp4"), output_folder("counted", ["a.mp4", "b.mp4"])
        ('counted', 'counted/{stream}')
    """
    is_one_for_all = "{stream}" not in str(out) and len(list_sources(source)) > 1
    return str(Path(out) / "{stream}") if is_one_for_all else str(out)
