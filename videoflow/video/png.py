"""Pictures as PNG files, with what Python brings along."""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

__all__ = ["encode_png"]


def encode_png(picture: NDArray[np.uint8]) -> bytes:
    """Return the bytes of a PNG file, without loss.

    Args:
        picture: uint8 ``[H, W, 3]``, RGB.

    Source: W3C, *Portable Network Graphics (PNG) Specification (Third Edition)*, sections 5
    and 9: each row is stored as its differences from the row above (filter 2).
    """
    height, width, _ = picture.shape
    rows = picture.reshape(height, width * 3)
    differences = np.diff(rows, axis=0, prepend=np.zeros_like(rows[:1]))  # modulo 256
    filters = np.full((height, 1), 2, np.uint8)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)  # 8 bit, RGB
    body = zlib.compress(np.hstack((filters, differences)).tobytes(), level=6)
    chunks = ((b"IHDR", header), (b"IDAT", body), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)
