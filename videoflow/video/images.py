"""Still images as the frames of one stream."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor

from videoflow.data.frame import Frame, Stamp
from videoflow.errors import ShapeError, SourceError
from videoflow.video.picture import Picture
from videoflow.video.probe import no_picture_error, open_file

__all__ = ["ImageSequence", "check_image", "read_image"]


def read_image(path: Path) -> Picture:
    """Decode an image file (JPEG, PNG, BMP, TIFF, WebP) to RGB, turned as its EXIF says.

    Raises:
        SourceError: It is missing, a folder, empty, or cannot be decoded.
    """
    with open_file(path, num_threads=1, as_rgb=True) as decoder:
        picture = decoder.read()
        if picture is None:
            raise no_picture_error(path, decoder)
        return picture


def check_image(image: Path | Tensor) -> None:
    """Refuse what is no image.

    Raises:
        SourceError: The file is missing, a folder, empty, or cannot be decoded.
        ShapeError: The tensor is not uint8 ``[3, H, W]``.
    """
    if isinstance(image, Path):
        read_image(image)
    elif image.dim() != 3 or image.shape[0] != 3 or image.dtype != torch.uint8:
        raise ShapeError(
            f"an image: got {image.dtype} {list(image.shape)}, want torch.uint8 [3, H, W]",
            help="torch.from_numpy(array).permute(2, 0, 1) turns [H, W, 3] round",
        )


class ImageSequence:
    """Reads images one after another; image i is shown at ``i / fps`` seconds.

    A file that cannot be decoded is left out and reported, and its index stays a hole.

    Args:
        images: Files, or uint8 ``[3, H, W]`` in RGB.
        stream: Name of the stream.
        fps: Images a second.
        report: Hears about each file that is left out.
    """

    def __init__(
        self,
        images: Sequence[Path | Tensor],
        *,
        stream: str,
        fps: float,
        report: Callable[[str], None],
    ) -> None:
        self._images = images
        self._stream = stream
        self._fps = fps
        self._report = report
        self._index = 0
        self._num_read = 0

    def read(self, *, memory: Callable[[tuple[int, ...]], Tensor]) -> Frame | None:
        """Return the next image in memory from ``memory(shape)``, or None at the end.

        Raises:
            SourceError: None of the files could be decoded.
        """
        last_error: SourceError | None = None
        while self._index < len(self._images):
            index = self._index
            self._index += 1
            try:
                frame = self._load(self._images[index], index, memory=memory)
            except SourceError as error:
                self._report(error.message)
                last_error = error
            else:
                self._num_read += 1
                return frame
        if last_error and not self._num_read:
            raise last_error
        return None

    def _load(
        self,
        image: Path | Tensor,
        index: int,
        *,
        memory: Callable[[tuple[int, ...]], Tensor],
    ) -> Frame:
        pts_seconds = index / self._fps
        if isinstance(image, Path):
            picture = read_image(image)
            stamp = Stamp(self._stream, index, pts_seconds, picture.size_hw)
            return picture.to_frame(stamp, memory=memory)
        height, width = image.shape[1:]
        buffer = memory((height, width, 3)).permute(2, 0, 1)
        buffer.copy_(image)
        return Frame(buffer, Stamp(self._stream, index, pts_seconds, (height, width)), "rgb")
