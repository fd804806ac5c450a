"""Frames as image files: a still for each event, or every so many-th frame."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

from videoflow.consumers.events import When, names_of_events
from videoflow.consumers.path_template import PathTemplate
from videoflow.consumers.published_file import PublishedFile
from videoflow.core.node import ConsumerNode
from videoflow.data.frame import Frame
from videoflow.errors import GraphError, OutputError

if TYPE_CHECKING:
    from videoflow.video.av.image_encoder import ImageCodec

__all__ = ["ImageFolderWriter", "StillWriter"]

_CODECS: Final[dict[str, ImageCodec]] = {".png": "png", ".jpg": "mjpeg", ".jpeg": "mjpeg"}
_PRELOAD: Final = ("torch", "av", "videoflow.video.av.image_encoder")


class StillWriter(ConsumerNode):
    """Write the frame of each event as a PNG or JPEG file.

    Takes a frame and results of the same frame: ``Counts`` (each crossing is an event),
    ``ZoneCounts`` (each entry), or what ``when`` makes of any results. Each file appears whole,
    at once, also of a stream that fails later.

    Args:
        path: Ends in ``.png``, ``.jpg`` or ``.jpeg``, with the places ``{stream}``,
            ``{event}``, ``{time}`` and ``{index}``, such as ``{stream}/{time}-{event}.jpg``.
        when: Gets the inputs behind the frame; returns the event's name, or None.
        qscale: Of JPEG, 2 (best) to 31.
        **options: See ``NodeOptions``.

    Raises:
        GraphError: ``qscale`` makes no sense.
    """

    preload: ClassVar[tuple[str, ...]] = _PRELOAD

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        when: When | None = None,
        qscale: int = 3,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self._images = _Images(path, has_events=True, qscale=qscale, owner=self.name)
        self._when = when

    def check(self) -> None:
        """Refuse a path that cannot be written; makes the folders above it.

        Raises:
            OutputError: An unknown ending or place, or a folder that cannot be written to.
        """
        self._images.check()

    def output_path(self, stream: str) -> Path | None:
        """Return the path of the images of ``stream``, unless it names events."""
        return self._images.template.output_path(stream)

    def consume(self, *inputs: Any) -> None:
        """Write a file for each event of a frame.

        Args:
            *inputs: The frame, then the results.

        Raises:
            OutputError: It cannot be written, or a result tells no events.
        """
        for event in names_of_events(self._when, *inputs[1:]):
            self._images.write(inputs[0], event=event)


class ImageFolderWriter(ConsumerNode):
    """Write every so many-th frame of each stream as a PNG or JPEG file.

    Each file appears whole, at once, also of a stream that fails later. PNG keeps every pixel
    of an RGB frame.

    Args:
        path: Ends in ``.png``, ``.jpg`` or ``.jpeg``, with the places ``{stream}``, ``{time}``
            and ``{index}``, such as ``frames/{stream}/{index:06d}.jpg``.
        every: Of the frames that arrive at the node, from the first on.
        qscale: Of JPEG, 2 (best) to 31.
        **options: See ``NodeOptions``.

    Raises:
        GraphError: A value that makes no sense.
    """

    preload: ClassVar[tuple[str, ...]] = _PRELOAD

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        every: int = 1,
        qscale: int = 3,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        if every < 1:
            raise GraphError(f"{self.name!r}: got every={every!r}, want an int >= 1")
        self._images = _Images(path, has_events=False, qscale=qscale, owner=self.name)
        self._every = every
        self._num_frames: dict[str, int] = {}

    def check(self) -> None:
        """Refuse a path that cannot be written; makes the folders above it.

        Raises:
            OutputError: An unknown ending or place, or a folder that cannot be written to.
        """
        self._images.check()

    def output_path(self, stream: str) -> Path | None:
        """Return the path of the images of ``stream``, unless it names events."""
        return self._images.template.output_path(stream)

    def consume(self, *inputs: Frame) -> None:
        """Write the frame if it is its turn.

        Raises:
            OutputError: It cannot be written.
        """
        (frame,) = inputs
        num_before = self._num_frames.get(frame.stream, 0)
        self._num_frames[frame.stream] = num_before + 1
        if num_before % self._every == 0:
            self._images.write(frame)


class _Images:
    """Where images go, and in which form."""

    def __init__(
        self, path: str | os.PathLike[str], *, has_events: bool, qscale: int, owner: str
    ) -> None:
        if not 2 <= qscale <= 31:
            raise GraphError(f"{owner!r}: got qscale={qscale!r}, want 2 to 31")
        self.template = PathTemplate(path, has_events=has_events)
        self._qscale = qscale

    def check(self) -> None:
        _codec(self.template.path)
        self.template.check()

    def write(self, frame: Frame, *, event: str = "") -> None:
        from videoflow.video.av.image_encoder import (
            encode_image,  # torch and av: only for who writes
        )

        path = self.template.fill(frame.stamp, event=event)
        data = encode_image(frame.rgb().cpu(), codec=_codec(path), qscale=self._qscale)
        file = PublishedFile(path)
        try:
            file.write(data)
        except OutputError:
            file.discard()
            raise
        file.publish()


def _codec(path: Path) -> ImageCodec:
    codec = _CODECS.get(path.suffix.lower())
    if codec is None:
        raise OutputError(
            f"{path}: got the ending {path.suffix!r}, want one of {', '.join(_CODECS)}"
        )
    return codec
