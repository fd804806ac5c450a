"""Whatever video somebody names, as one stream or several."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from videoflow.core.node import NodeOptions, ProducerNode
from videoflow.core.wiring import Streams
from videoflow.errors import GraphError, SourceError
from videoflow.producers.live_reader import LiveReader
from videoflow.producers.video_file_reader import VideoFileReader
from videoflow.producers.video_folder_reader import VideoFolderReader
from videoflow.video.folder import VIDEO_SUFFIXES

__all__ = ["VideoReader", "VideoSource", "list_sources"]

VideoSource = str | Path | Sequence[str | Path]

_URL = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)


class VideoReader(Streams):
    """Read one source or several, each with the reader that fits it.

    - A URL, or a camera such as ``/dev/video0``: a ``LiveReader``. A URL that ends like a
      video file is read once, others for as long as the flow runs.
    - A folder: its videos one after another, as one stream (``VideoFolderReader``).
    - A pattern such as ``cams/*.mp4``: a stream for each file and folder that it fits.
    - Anything else: a ``VideoFileReader``.

    Its ``parents`` are the readers: ``Flow(frames.parents, ...)``. Of streams with one name,
    as ``a/cam.mp4`` and ``b/cam.mp4``, the second is ``cam-2``.

    Args:
        source: One of these, or a list of them.
        device: Of every reader; see ``NodeOptions``.
        num_threads: Of every reader's decoder; None for two.
        name: Of every reader; a flow numbers them.

    Raises:
        GraphError: No source, or something that is none.
        SourceError: A pattern that fits no file.
    """

    def __init__(
        self,
        source: VideoSource,
        *,
        device: str = "auto",
        num_threads: int | None = None,
        name: str = "read",
    ) -> None:
        options: NodeOptions = {"name": name, "device": device, "num_threads": num_threads}
        super().__init__(*_readers(list_sources(source), options))

    @property
    def parents(self) -> tuple[ProducerNode, ...]:
        """The readers, one for each stream."""
        return tuple(node for node in super().parents if isinstance(node, ProducerNode))


def list_sources(source: VideoSource) -> list[str]:
    """Return what ``source`` names, one text for each stream; patterns are looked up.

    Raises:
        GraphError: No source, or something that is none.
        SourceError: A pattern that fits no file.

    Example:
        >>> list_sources(["door.mp4", "rtsp://camera/1"])
        ['door.mp4', 'rtsp://camera/1']
    """
    single = isinstance(source, str | os.PathLike)
    given = [source] if single else source
    if not isinstance(given, Sequence) or not given:
        raise GraphError(f"got source={source!r}, want a path, a URL, or a list of them")
    found: list[str] = []
    for one in given:
        if not isinstance(one, str | os.PathLike) or not os.fspath(one):
            raise GraphError(f"got source={one!r}, want a path or a URL")
        found += _matches(os.fspath(one))
    return found


def _matches(text: str) -> list[str]:
    if _URL.match(text) or not glob.has_magic(text) or Path(text).exists():
        return [text]
    matches = sorted(glob.glob(text, recursive=True))
    if not matches:
        raise SourceError(
            f"{text}: got a pattern that fits no file, want at least one",
            help=f"a relative pattern is looked for in {Path.cwd()}",
        )
    return matches


def _readers(sources: Sequence[str], options: NodeOptions) -> list[ProducerNode]:
    """Return a reader for each source, each with a name of its own on its frames."""
    readers: dict[str, ProducerNode] = {}
    for source in sources:
        reader, number = _reader(source, None, options), 1
        name = reader.stream
        while reader.stream in readers:
            number += 1
            reader = _reader(source, f"{name}-{number}", options)
        readers[reader.stream] = reader
    return list(readers.values())


def _reader(source: str, stream: str | None, options: NodeOptions) -> ProducerNode:
    if _URL.match(source) or source.startswith("/dev/video"):
        is_file = Path(urlsplit(source).path).suffix.lower() in VIDEO_SUFFIXES
        return LiveReader(
            source, stream=stream, max_reconnects=0 if is_file else None, **options
        )
    if Path(source).is_dir():
        return VideoFolderReader(source, stream=stream, **options)
    return VideoFileReader(source, stream=stream, **options)
