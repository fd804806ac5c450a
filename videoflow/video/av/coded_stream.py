"""A container's packets as a decoder on a GPU reads them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from av.bitstream import BitStreamFilterContext
from av.error import FFmpegError
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from videoflow.video.packets import (
    CodedPacket,
    SequenceForm,
)
from videoflow.video.picture import PictureForm
from videoflow.video.sequence_header import MAX_HEADER_BYTES, sequence_header

__all__ = ["CodedStream"]

# What turns the packets of a container into what a decoder on a GPU reads: start codes, and
# the parameter sets in front of each key frame (and beside it, to be compared).
_BITSTREAM_FILTERS: Final = {
    "h264": "h264_mp4toannexb,extract_extradata",
    "hevc": "hevc_mp4toannexb,extract_extradata",
    "av1": "extract_extradata",
    "mpeg1video": "dump_extra=freq=keyframe,extract_extradata",
    "mpeg2video": "dump_extra=freq=keyframe,extract_extradata",
    "mpeg4": "mpeg4_unpack_bframes,dump_extra=freq=keyframe,extract_extradata",
}


_CHROMA: Final = {  # by what is halved: across, down
    (True, True): "420",
    (True, False): "422",
    (False, True): "440",
    (False, False): "444",
}


class CodedStream:
    """Makes of a container's packets what a decoder on a GPU reads."""

    def __init__(
        self, stream: VideoStream, form_of: Callable[[VideoFrame], PictureForm]
    ) -> None:
        self._stream = stream
        self._form_of = form_of
        self._codec = stream.codec_context.codec.canonical_name
        self._filter = BitStreamFilterContext(
            _BITSTREAM_FILTERS.get(self._codec, "null"), stream
        )

    def unwrap(self, packet: Packet[VideoStream]) -> list[CodedPacket]:
        """Return the parts of a packet; the packet itself stays as it is.

        Raises:
            FFmpegError: It is damaged.
        """
        if not packet.size:
            return []
        parts = self._filter.filter(_copy(packet))
        return [self._coded(part, packet) for part in parts if part.size]

    def _coded(self, part: Packet[Any], packet: Packet[VideoStream]) -> CodedPacket:
        has_sets = part.has_sidedata("new_extradata")
        return CodedPacket(
            codec=self._codec,
            address=part.buffer_ptr,
            num_bytes=part.size,
            pts_ticks=part.pts,
            pts_seconds=None if part.pts is None else float(part.pts * packet.time_base),
            header=sequence_header(
                self._codec,
                packet=bytes(memoryview(part)[:MAX_HEADER_BYTES]),
                extradata=bytes(part.get_sidedata("new_extradata")) if has_sets else None,
            ),
            is_shown=not packet.is_discard,
            look=lambda: self._look(packet),
            owner=part,
        )

    def _look(self, packet: Packet[VideoStream]) -> SequenceForm | None:
        """Decode one packet alone, for what its picture says of itself."""
        context = self._stream.codec_context
        copy = _copy(packet)  # without the mark that its picture is not to be shown
        copy.stream = self._stream
        try:
            frames = [*copy.decode(), *context.decode(None)]
        except FFmpegError:
            return None
        finally:
            context.flush_buffers()
        return self._sequence(frames[0]) if frames else None

    def _sequence(self, frame: VideoFrame) -> SequenceForm:
        luma, *others = frame.format.components
        chroma = "400"
        if len(others) >= 2:
            is_half = others[0].width < luma.width, others[0].height < luma.height
            chroma = "rgb" if frame.format.is_rgb else _CHROMA[is_half]
        return SequenceForm(self._codec, chroma, luma.bits, self._form_of(frame))


def _copy(packet: Packet[VideoStream]) -> Packet[Any]:
    """Return a packet of one's own: a filter empties what it is given."""
    copy = Packet(bytes(packet))
    copy.pts, copy.dts, copy.time_base = packet.pts, packet.dts, packet.time_base
    copy.is_keyframe = packet.is_keyframe
    if packet.has_sidedata("new_extradata"):
        copy.set_sidedata(packet.get_sidedata("new_extradata"))
    return copy
