"""Encode on the CPU, into memory, picture by picture."""

from __future__ import annotations

from dataclasses import dataclass, field

from av.codec import CodecContext
from av.error import FFmpegError
from av.video.frame import PictureType
from torch import Tensor

from videoflow.video.av.encoder import (
    TICK_SECONDS,
    OutputForm,
    output_error,
    set_h264,
    wrap_nv12,
)

__all__ = ["EncodedPicture", "MemoryEncoder"]


@dataclass(frozen=True, slots=True)
class EncodedPicture:
    """One picture in H.264.

    Attributes:
        data: NAL units behind start codes; a key picture has the parameter sets in front.
        pts_ticks: In ``TICKS_PER_SECOND``.
        duration_ticks: How long it is shown if it is the last.
        is_keyframe: Whether a player can begin here.
    """

    data: bytes = field(repr=False)
    pts_ticks: int
    duration_ticks: int
    is_keyframe: bool


class MemoryEncoder:
    """Encodes NV12 pictures to H.264 in memory, without delay: each call gives its picture."""

    def __init__(self, form: OutputForm) -> None:
        context = CodecContext.create("libx264", "w")
        set_h264(context, form)
        # No look ahead, so that a picture is there when its call returns; no key picture but
        # those that are asked for.
        context.options = {
            "preset": form.preset,
            "crf": str(form.crf),
            "tune": "zerolatency",
            "forced-idr": "1",
            "g": str(2**20),
            "sc_threshold": "0",
        }
        self._context = context
        self._path = form.path

    def encode(
        self, planes: Tensor, *, pts_ticks: int, duration_ticks: int, is_keyframe: bool
    ) -> EncodedPicture:
        """Encode one picture; it may be overwritten when the call returns.

        Args:
            planes: uint8 ``[H * 3 / 2, W]`` on the host.
            pts_ticks: In ``TICKS_PER_SECOND``, greater than that of the picture before.
            duration_ticks: How long it is shown if it is the last.
            is_keyframe: Whether a player shall be able to begin here; so for the first.

        Raises:
            OutputError: It could not be encoded.
        """
        frame = wrap_nv12(planes)
        frame.pts = pts_ticks
        frame.time_base = TICK_SECONDS
        frame.pict_type = PictureType.I if is_keyframe else PictureType.NONE
        try:
            (packet,) = self._context.encode(frame)
        except FFmpegError as error:
            raise output_error(self._path, error) from error
        return EncodedPicture(bytes(packet), pts_ticks, duration_ticks, packet.is_keyframe)
