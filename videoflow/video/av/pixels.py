"""Decoded pixels, on the host or on a GPU, on their way into a flow's memory."""

from __future__ import annotations

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray
from torch import Tensor

from videoflow.video.av.acceleration import LibavCuda
from videoflow.video.av.info import PLANAR_420
from videoflow.video.cuda_stream import Uploader
from videoflow.video.picture import PictureForm
from videoflow.video.surface import Surface

__all__ = ["CudaPixels", "HostPixels", "fits_nv12", "with_whole_chroma"]


class HostPixels:
    """A picture in host memory."""

    def __init__(self, frame: VideoFrame, uploader: Uploader) -> None:
        self._frame = frame
        self._uploader = uploader

    def copy_to(self, out: Tensor, form: PictureForm) -> None:
        """Copy the picture into ``out``, turned upright; uint8, as ``form`` says."""
        self._uploader.fill(out, lambda host: self._write(host.numpy(), form))

    def _write(self, out: NDArray[np.uint8], form: PictureForm) -> None:
        if form.layout == "nv12":
            _copy_nv12(self._frame, out, quarter_turns=form.quarter_turns)
            return
        height, width = form.coded_size_hw
        pixels = _rows(self._frame, 0, row_bytes=width * 3)[:height].reshape(height, width, 3)
        np.copyto(out, np.rot90(pixels, form.quarter_turns))


class CudaPixels:
    """A picture that FFmpeg left on the GPU."""

    def __init__(self, frame: VideoFrame, cuda: LibavCuda) -> None:
        self._frame = frame
        self._stream = cuda.stream

    def copy_to(self, out: Tensor, form: PictureForm) -> None:
        """Copy the picture into ``out``, in stream order; uint8, as ``form`` says."""
        with self._stream.turn():
            # as capsules: PyAV hands its planes out for no stream but the default one
            luma, chroma = (self._stream.tensor(p.__dlpack__()) for p in self._frame.planes)
            Surface(luma, chroma).copy_to(out, form)


def with_whole_chroma(frame: VideoFrame) -> VideoFrame:
    """Return a picture of an even size where chroma is halved: the last row and column twice.

    In a picture of an odd size swscale takes chroma from elsewhere than in an even one.
    """
    luma, *others = frame.format.components
    is_halved = any(o.width < luma.width or o.height < luma.height for o in others)
    if not is_halved or not (frame.width % 2 or frame.height % 2):
        return frame
    even = VideoFrame(
        frame.width + frame.width % 2, frame.height + frame.height % 2, frame.format.name
    )
    num_bytes = 1 if luma.bits == 8 else 2
    for index, plane in enumerate(frame.planes):
        source = _rows(frame, index, row_bytes=plane.width * num_bytes)
        out = _rows(even, index, row_bytes=even.planes[index].width * num_bytes)
        height, row_bytes = source.shape
        out[:height, :row_bytes] = source
        out[:height, row_bytes:] = source[:, row_bytes - num_bytes :][
            :, : out.shape[1] - row_bytes
        ]
        out[height:] = out[height - 1]
    return even


def fits_nv12(frame: VideoFrame) -> bool:
    """Say whether a picture can travel as NV12 without being converted."""
    return (
        (frame.sw_format or frame.format).name in PLANAR_420
        and frame.width % 2 == 0
        and frame.height % 2 == 0
        and all(plane.line_size > 0 for plane in frame.planes)
    )


def _copy_nv12(frame: VideoFrame, out: NDArray[np.uint8], *, quarter_turns: int) -> None:
    width = frame.width
    height = out.shape[0] * 2 // 3
    np.copyto(out[:height], np.rot90(_rows(frame, 0, row_bytes=width), quarter_turns))
    # A pair (Cb, Cr) is written as one 16-bit number: four times as fast as two strided copies.
    pairs = out[height:].view("<u2")
    if frame.format.name == "nv12":
        chroma = _rows(frame, 1, row_bytes=width).view("<u2")
        np.copyto(pairs, np.rot90(chroma, quarter_turns))
        return
    cb, cr = (np.rot90(_rows(frame, i, row_bytes=width // 2), quarter_turns) for i in (1, 2))
    np.multiply(cr, np.uint16(256), out=pairs)
    np.bitwise_or(pairs, cb, out=pairs)


def _rows(frame: VideoFrame, plane_index: int, *, row_bytes: int) -> NDArray[np.uint8]:
    plane = frame.planes[plane_index]
    array: NDArray[np.uint8] = np.frombuffer(memoryview(plane), np.uint8)
    return array.reshape(-1, plane.line_size)[:, :row_bytes]
