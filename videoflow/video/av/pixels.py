"""Decoded pixels, on the host or on a GPU, on their way into a flow's memory."""

from __future__ import annotations

import re

import numpy as np
from av.video.format import VideoFormat
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
    """Return a planar picture of an odd size with each sample of chroma repeated to 4:4:4.

    swscale would stretch chroma of an odd size over the picture: 33 samples over 65 columns,
    so that the last ones lie nearly a pixel off. All other pictures are returned as they are.
    """
    # A picture of 16 x 16 tells the sampling; sizes are rounded up in one of an odd size.
    components = VideoFormat(frame.format.name, 16, 16).components
    is_halved = any(part.width < 16 or part.height < 16 for part in components)
    is_planar = len(frame.planes) == len(components)
    if not is_halved or not is_planar or not (frame.width % 2 or frame.height % 2):
        return frame
    whole = VideoFrame(
        frame.width, frame.height, re.sub("4[0-4]{2}p", "444p", frame.format.name, count=1)
    )
    dtype = np.dtype(np.uint8 if components[0].bits == 8 else np.uint16)
    for index, part in enumerate(components):
        row_bytes = frame.planes[index].width * dtype.itemsize
        samples = _rows(frame, index, row_bytes=row_bytes).view(dtype)
        wide = samples.repeat(16 // part.width, axis=1)[:, : frame.width]
        out = _rows(whole, index, row_bytes=frame.width * dtype.itemsize).view(dtype)
        out[:] = wide.repeat(16 // part.height, axis=0)[: frame.height]
    return whole


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
