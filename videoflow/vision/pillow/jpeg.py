"""Small pictures as JPEG, for a page or a notebook."""

from __future__ import annotations

import io
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["encode_jpeg"]

_QUALITY: Final = 75  # of libjpeg's 1 to 95


def encode_jpeg(picture: NDArray[np.uint8], *, max_width_px: int) -> bytes:
    """Return the bytes of a JPEG file; a wider picture is shrunk to ``max_width_px``.

    Args:
        picture: uint8 ``[H, W, 3]``, RGB.
        max_width_px: At least 1; a narrower picture keeps its size.
    """
    image = Image.fromarray(picture)
    image.thumbnail((max_width_px, image.height))
    file = io.BytesIO()
    image.save(file, "jpeg", quality=_QUALITY)
    return file.getvalue()
