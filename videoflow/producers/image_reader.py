"""Still images as a stream of frames."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Unpack

from videoflow.core.node import NodeOptions, ProducerNode
from videoflow.data.frame import Frame
from videoflow.errors import FlowStateError, GraphError, SourceError

if TYPE_CHECKING:
    from torch import Tensor

    from videoflow.video.images import ImageSequence

__all__ = ["ImageFolderReader", "ImageProducer"]

_PRELOAD = ("torch", "av", "videoflow.video.images")


class ImageProducer(ProducerNode):
    """Send one image, or each of several, as RGB frames.

    Args:
        images: Paths, or uint8 ``[3, H, W]`` tensors in RGB; one or several. Sizes may differ.
        stream: Name of the stream; by default the name of the first file without its ending,
            or ``images``.
        fps: Image i is shown at ``i / fps`` seconds.
        **options: See ``NodeOptions``.

    Raises:
        GraphError: No image, or ``fps`` is not above 0.
    """

    preload: ClassVar[tuple[str, ...]] = _PRELOAD

    def __init__(
        self,
        images: str | os.PathLike[str] | Tensor | Sequence[str | os.PathLike[str] | Tensor],
        *,
        stream: str | None = None,
        fps: float = 25.0,
        **options: Unpack[NodeOptions],
    ) -> None:
        super().__init__(**options)
        several = (
            images if isinstance(images, Sequence) and not isinstance(images, str) else [images]
        )
        if not several:
            raise GraphError(f"{self.name!r}: got no image, want at least one")
        _check_fps(self, fps)
        self._images: list[Path | Tensor] = [
            Path(image) if isinstance(image, (str, os.PathLike)) else image for image in several
        ]
        first = self._images[0]
        self._stream = stream or (first.stem if isinstance(first, Path) else "images")
        self._fps = fps
        self._sequence: ImageSequence | None = None

    @property
    def stream(self) -> str:
        """The stream's name."""
        return self._stream

    @property
    def num_items(self) -> int:
        """One for each image."""
        return len(self._images)

    def check(self) -> None:
        """Refuse a file that is missing or no image, and a tensor of another shape.

        Raises:
            SourceError: So is a file.
            ShapeError: So is a tensor.
        """
        from videoflow.video.images import check_image  # torch and av: only for who plays

        for image in self._images:
            check_image(image)

    def open(self) -> None:
        """Get ready; each image is opened in its turn."""
        self._sequence = _open_sequence(self, self._images, fps=self._fps)

    def next(self) -> Frame:
        """Return the next image.

        Raises:
            StopIteration: All have been sent.
        """
        return _next_frame(self, self._sequence)

    def close(self) -> None:
        """Let the images go."""
        self._sequence = None


class ImageFolderReader(ProducerNode):
    """Read all images of a folder (JPEG, PNG, BMP, TIFF, WebP) as RGB frames.

    They come in natural order (``2.png`` before ``10.png``), without hidden files and
    sub-folders. One that cannot be decoded is left out, and the flow's report says so.

    Args:
        folder: Of the files.
        stream: Name of the stream; by default the folder's name.
        fps: Image i is shown at ``i / fps`` seconds.
        **options: See ``NodeOptions``.

    Raises:
        GraphError: ``fps`` is not above 0.
    """

    preload: ClassVar[tuple[str, ...]] = _PRELOAD

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        stream: str | None = None,
        fps: float = 25.0,
        **options: Unpack[NodeOptions],
    ) -> None:
        super().__init__(**options)
        _check_fps(self, fps)
        self._folder = Path(folder)
        self._stream = stream or self._folder.resolve().name
        self._fps = fps
        self._sequence: ImageSequence | None = None

    @property
    def stream(self) -> str:
        """The stream's name."""
        return self._stream

    @property
    def num_items(self) -> int | None:
        """One for each file, or None where there is no folder."""
        try:
            return len(self._list())
        except SourceError:
            return None

    def check(self) -> None:
        """Refuse a folder that is missing or has no image, and a first file that is none.

        Raises:
            SourceError: So it is.
        """
        from videoflow.video.images import check_image  # torch and av: only for who plays

        check_image(self._list()[0])

    def open(self) -> None:
        """List the folder; each image is opened in its turn.

        Raises:
            SourceError: The folder is missing or has no image.
        """
        self._sequence = _open_sequence(self, self._list(), fps=self._fps)

    def next(self) -> Frame:
        """Return the next image.

        Raises:
            StopIteration: The last one has been sent.
            SourceError: None of the files could be decoded.
        """
        return _next_frame(self, self._sequence)

    def close(self) -> None:
        """Let the list go."""
        self._sequence = None

    def _list(self) -> list[Path]:
        from videoflow.video.folder import IMAGE_SUFFIXES, list_folder

        return list_folder(self._folder, suffixes=IMAGE_SUFFIXES)


def _check_fps(node: ProducerNode, fps: float) -> None:
    if not fps > 0:
        raise GraphError(f"{node.name!r}: got fps={fps!r}, want more than 0")


def _open_sequence(
    node: ProducerNode, images: Sequence[Path | Tensor], *, fps: float
) -> ImageSequence:
    from videoflow.video.images import ImageSequence  # torch and av: only for who plays

    return ImageSequence(images, stream=node.stream, fps=fps, report=node.note)


def _next_frame(node: ProducerNode, sequence: ImageSequence | None) -> Frame:
    if sequence is None:
        raise FlowStateError(f"{node.name!r} is not open", help="call open() first")
    frame = sequence.read(memory=node.slot_tensor)
    if frame is None:
        raise StopIteration
    return frame
