"""What a video file is, found out before a flow starts; refuses what cannot be played."""

from __future__ import annotations

from pathlib import Path

from videoflow.errors import SourceError
from videoflow.video.av.acceleration import Acceleration
from videoflow.video.av.decoder import VideoDecoder, open_video
from videoflow.video.av.info import VideoInfo

__all__ = ["check_is_file", "no_picture_error", "open_file", "probe"]


def probe(path: Path) -> VideoInfo:
    """Return what a video file is, after decoding its first picture.

    Raises:
        SourceError: It is missing, a folder, empty, not a video, or nothing in it decodes.
    """
    with open_file(path, num_threads=1) as decoder:
        if decoder.read() is None:
            raise no_picture_error(path, decoder)
        return decoder.info


def open_file(
    path: Path,
    *,
    num_threads: int,
    as_rgb: bool = False,
    acceleration: Acceleration | None = None,
) -> VideoDecoder:
    """Open a file for decoding.

    Args:
        path: Of a video or an image; any characters.
        num_threads: Threads of the decoder.
        as_rgb: Deliver RGB also where NV12 would do.
        acceleration: What a GPU does of the work.

    Raises:
        SourceError: It is missing, a folder, empty, or not a video.
    """
    check_is_file(path)
    # The prefix keeps a colon in a name from being read as a protocol, and the option a
    # percent sign from being read as a pattern of image names.
    return open_video(
        f"file:{path}",
        num_threads=num_threads,
        as_rgb=as_rgb,
        options={"pattern_type": "none"},
        acceleration=acceleration,
    )


def check_is_file(path: Path) -> None:
    """Refuse what is not a file with something in it.

    Raises:
        SourceError: It is missing, a folder, unreadable or empty.
    """
    if path.is_dir():
        raise SourceError(
            f"{path}: got a folder, want a file",
            help="VideoFolderReader and ImageFolderReader read folders",
        )
    if not path.exists():
        raise SourceError(
            f"{path}: got no such file, want a video or an image",
            help=f"a relative path is looked for in {Path.cwd()}",
        )
    if path.is_file() and path.stat().st_size == 0:
        raise SourceError(
            f"{path}: got an empty file, want a video or an image",
            help="copy or record it again",
        )


def no_picture_error(path: Path, decoder: VideoDecoder) -> SourceError:
    """Return the error for a file in which nothing decodes."""
    loss = decoder.describe_loss()
    return SourceError(
        f"{loss or path}: got no picture that can be decoded, want at least one",
        help="play the file in another program; if that fails too, record or copy it again",
    )
