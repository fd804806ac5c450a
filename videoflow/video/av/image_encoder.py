"""Encode single pictures as image files."""

from __future__ import annotations

from typing import Literal

from av.codec import CodecContext
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace
from torch import Tensor

from videoflow.video.av.encoder import TICK_SECONDS, output_error

__all__ = ["ImageCodec", "encode_image"]

ImageCodec = Literal["png", "mjpeg"]
"""FFmpeg's names of the forms of images."""


def encode_image(rgb: Tensor, *, codec: ImageCodec, qscale: int) -> bytes:
    """Return a picture as a PNG or JPEG file.

    Args:
        rgb: uint8 ``[3, H, W]`` on the host.
        codec: ``png`` keeps every pixel; ``mjpeg`` is JPEG 4:2:0, BT.601 full range (JFIF).
        qscale: Of JPEG, 2 (best) to 31.

    Raises:
        OutputError: It cannot be encoded.
    """
    pixels = rgb.permute(1, 2, 0).contiguous().numpy()
    context = CodecContext.create(codec, "w")
    context.height, context.width = pixels.shape[:2]
    context.time_base = TICK_SECONDS
    frame = VideoFrame.from_ndarray(pixels, "rgb24")
    if codec == "mjpeg":
        context.pix_fmt, context.color_range = "yuvj420p", ColorRange.JPEG
        context.options = {"qmin": str(qscale), "qmax": str(qscale)}
        frame = frame.reformat(
            format="yuvj420p",
            src_color_range=ColorRange.JPEG,
            dst_colorspace=Colorspace.ITU601,
            dst_color_range=ColorRange.JPEG,
        )
    else:
        context.pix_fmt = "rgb24"
    try:
        return b"".join(map(bytes, (*context.encode(frame), *context.encode(None))))
    except FFmpegError as error:
        raise output_error(codec, error) from error
