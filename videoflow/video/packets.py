"""What passes between a demuxer and a decoder on a GPU: packets in, pictures out.

Knows neither FFmpeg nor NVIDIA's libraries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from videoflow.video.picture import Picture, PictureForm

__all__ = [
    "CannotDecodeError",
    "CodedPacket",
    "HardwareDecoder",
    "SequenceForm",
    "UndecodableError",
]


@dataclass(frozen=True, slots=True)
class SequenceForm:
    """What the pictures of a coded sequence are, until its next sequence header.

    Attributes:
        codec: FFmpeg's name of the codec, such as ``hevc``.
        chroma: ``400``, ``420``, ``422`` or ``444``.
        bit_depth: Of a sample.
        picture: What its pictures are.
    """

    codec: str
    chroma: str
    bit_depth: int
    picture: PictureForm


@dataclass(frozen=True, slots=True)
class CodedPacket:
    """The bytes of one packet, as a decoder on a GPU takes them (start codes in front).

    Attributes:
        codec: FFmpeg's name of it, such as ``hevc``.
        address: Of the first byte.
        num_bytes: How many there are.
        pts_ticks: Presentation time, or None where the container has none.
        pts_seconds: The same in seconds.
        header: The sequence header in it, or None; another one begins another sequence.
        is_shown: False for a picture that is only decoded because others need it.
        look: Decodes the packet on the CPU and returns what it begins, or None where that
            fails. Only to be called where there is a header.
        owner: Keeps the bytes alive.
    """

    codec: str
    address: int
    num_bytes: int
    pts_ticks: int | None
    pts_seconds: float | None
    header: bytes | None = field(repr=False)
    is_shown: bool
    look: Callable[[], SequenceForm | None] = field(repr=False)
    owner: object = field(repr=False)


class HardwareDecoder(Protocol):
    """Decodes the packets of one source on a GPU."""

    def decode(self, packet: CodedPacket) -> Iterator[Picture]:
        """Yield the pictures that a packet completes, each valid until the next is asked for.

        Raises:
            UndecodableError: Nothing can be made of this packet; the next one may be better.
            CannotDecodeError: The device cannot decode what follows.
        """

    def flush(self) -> Iterator[Picture]:
        """Yield the pictures that are still held, after the last packet."""

    def close(self) -> None:
        """Let go of the device."""


class UndecodableError(Exception):
    """A packet of which nothing can be made; it is counted."""


class CannotDecodeError(Exception):
    """A device that cannot decode a source; the next decoder of the chain takes over.

    Attributes:
        reason: Why, to be put behind the name of the source.
        help: What to do about it.
    """

    def __init__(self, reason: str, *, help: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.help = help
