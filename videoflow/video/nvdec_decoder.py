"""Decodes one source with NVDEC: packets in, pictures in GPU memory out.

A picture of NVDEC is a view of memory that the session's next call overwrites and that goes
with the session, so that it is handed out once, to be copied before the next call. All of
that is queued on one stream: the copy lies between two calls also on the GPU.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, Final

from torch import Tensor

from videoflow.errors import LeaseError
from videoflow.video.cuda_stream import DecodeStream
from videoflow.video.nvdec_sessions import CONVERT, NvdecSession, NvdecSessions
from videoflow.video.packets import (
    CannotDecodeError,
    CodedPacket,
    SequenceForm,
    UndecodableError,
)
from videoflow.video.picture import Picture, PictureForm
from videoflow.video.surface import num_surface_rows, split_surface

__all__ = ["NvdecDecoder"]

MAX_FAILED_SESSIONS: Final = 3  # one after the other, without a picture in between
MAX_TIMES: Final = 256
NO_PTS_TICKS: Final = -(2**63)  # of a packet without a time; FFmpeg's AV_NOPTS_VALUE


class NvdecDecoder:
    """Decodes the packets of one source.

    Each sequence header that differs from the one before begins a sequence: what the session
    still holds comes out first, then the session is set to the new size or replaced. The
    first packet of a sequence is also decoded on the CPU, once, so that colour, cropping and
    rotation are decided by what decides them there.

    Args:
        sessions: Where sessions come from; stays open.
        stream: The stream that the sessions were made for.
    """

    def __init__(self, sessions: NvdecSessions, stream: DecodeStream) -> None:
        self._sessions = sessions
        self._stream = stream
        self._session: NvdecSession | None = None
        self._sequence: SequenceForm | None = None
        self._header: bytes | None = None
        self._trial: list[CodedPacket] | None = None  # given to a session that was resized
        self._times: dict[int, tuple[float | None, bool]] = {}
        self._num_failed = 0
        self._num_calls = 0

    def decode(self, packet: CodedPacket) -> Iterator[Picture]:
        """Yield the pictures that a packet completes, each valid until the next is asked for.

        Raises:
            UndecodableError: Nothing can be made of this packet.
            CannotDecodeError: NVDEC cannot decode what follows.
        """
        if self._sessions.nvdec.codec(packet.codec) is None:
            raise CannotDecodeError(f"no GPU decodes {packet.codec}", help=CONVERT)
        if packet.header is not None and packet.header != self._header:
            yield from self.flush()
            self._begin(packet)
        if self._session is None:
            raise UndecodableError("no sequence header yet that can be read")
        self._remember(packet)
        yield from self._run(packet)

    def flush(self) -> Iterator[Picture]:
        """Yield the pictures that the session still holds, and give it back."""
        if self._session is not None:
            yield from self._run(None)
            self._sessions.give_back(self._session)
        self._forget()

    def close(self) -> None:
        """Let go of the session; one in the middle of a sequence is of no more use."""
        self._forget()

    def _begin(self, packet: CodedPacket) -> None:
        """Take a session for the sequence that ``packet`` begins."""
        sequence = packet.look()
        if sequence is None:
            raise UndecodableError("a sequence header without a picture")
        self._session = self._sessions.take(sequence)
        self._sequence = sequence
        self._header = packet.header
        self._trial = [] if self._session.is_resized else None

    def _run(self, packet: CodedPacket | None) -> Iterator[Picture]:
        """Call the session with a packet, or None to flush it, and yield what it gives."""
        if self._trial is not None and packet is not None:
            self._trial.append(packet)
        for surface in self._call(packet):
            if not self._is_of_right_size(surface):
                yield from self._start_over(packet)
                return
            self._trial = None
            self._num_failed = 0
            pts_seconds, is_shown = self._times.pop(surface.getPTS(), (None, True))
            if is_shown:
                yield self._picture(surface, pts_seconds)

    def _call(self, packet: CodedPacket | None) -> list[Any]:
        assert self._session is not None
        data = self._sessions.nvdec.module.PacketData()  # of no bytes: flushes
        if packet is not None:
            data.bsl, data.bsl_data = packet.num_bytes, packet.address
            data.pts = _ticks(packet)
        self._num_calls += 1
        try:
            surfaces: list[Any] = self._session.decoder.Decode(data)
        except self._sessions.nvdec.errors as error:
            self._forget()  # what a session does after an error, nobody says
            self._num_failed += 1
            if self._num_failed == MAX_FAILED_SESSIONS:
                raise CannotDecodeError(
                    f"NVDEC failed {MAX_FAILED_SESSIONS} times: {error}",
                    help="play the file in another program; the driver may know more (dmesg)",
                ) from error
            raise UndecodableError(str(error)) from error
        return surfaces

    def _is_of_right_size(self, surface: Any) -> bool:
        """Return whether a picture has the size that the sequence has, and was not scaled."""
        assert self._sequence is not None
        height, width = self._sequence.picture.coded_size_hw
        *rows, columns = surface.shape  # planes may lie below each other, or apart
        return columns in (width, width + width % 2) and math.prod(rows) == num_surface_rows(
            surface.format.name, num_lines=height
        )

    def _start_over(self, packet: CodedPacket | None) -> Iterator[Picture]:
        """Give a fresh session what a resized one has scaled to another size.

        Raises:
            UndecodableError: The session was not resized: the stream changed without a header.
        """
        trial, self._trial = self._trial, None
        assert self._sequence is not None
        if trial is None:
            self._forget()
            raise UndecodableError("the size changed without a sequence header")
        self._sessions.distrust_resizing()
        self._session = self._sessions.take(self._sequence)
        for earlier in trial:
            self._remember(earlier)
            yield from self._run(earlier)
        if packet is None:
            yield from self._run(None)

    def _remember(self, packet: CodedPacket) -> None:
        self._times[_ticks(packet)] = packet.pts_seconds, packet.is_shown
        if len(self._times) > MAX_TIMES:  # of packets that never became a picture
            del self._times[next(iter(self._times))]

    def _forget(self) -> None:
        self._session = self._sequence = self._header = self._trial = None
        self._times.clear()
        self._num_calls += 1  # its memory may be gone

    def _picture(self, surface: Any, pts_seconds: float | None) -> Picture:
        assert self._sequence is not None
        pixels = _NvdecPixels(surface, self._stream, self._num_calls, lambda: self._num_calls)
        return Picture(pixels, self._sequence.picture, pts_seconds=pts_seconds)


class _NvdecPixels:
    """A picture in the memory of a session."""

    def __init__(
        self, surface: Any, stream: DecodeStream, call: int, now: Callable[[], int]
    ) -> None:
        self._surface = surface
        self._stream = stream
        self._call = call
        self._now = now

    def copy_to(self, out: Tensor, form: PictureForm) -> None:
        if self._now() != self._call:
            raise LeaseError(
                "a picture of NVDEC was copied after the next one was decoded over it",
                help="copy a picture before the next one is read",
            )
        with self._stream.turn():
            packed = self._stream.tensor(self._surface)
            split_surface(
                packed,
                pixel_format=self._surface.format.name,
                num_lines=form.coded_size_hw[0],
            ).copy_to(out, form)


def _ticks(packet: CodedPacket) -> int:
    return NO_PTS_TICKS if packet.pts_ticks is None else packet.pts_ticks
