"""Decoding sessions of NVDEC: made, used again, and given back.

A session holds GPU memory and takes long to make, so a folder of short files of one kind
keeps its session.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from videoflow.video.nvdec import Nvdec, describe_error
from videoflow.video.packets import CannotDecodeError, SequenceForm

__all__ = ["CONVERT", "NvdecSession", "NvdecSessions"]

CONVERT: Final = "that is slower; H.264 and HEVC with 4:2:0 of 8 bits are decoded on every GPU"
"""What an error says about a stream that this GPU's decoder does not know."""


@dataclass(slots=True)
class NvdecSession:
    """One decoder of the library, and what it was made for.

    Attributes:
        decoder: The library's ``PyNvDecoder``.
        kind: Codec, sampling and depth, which cannot change.
        max_size_hw: The largest picture that it has room for.
        size_hw: What it decodes now.
        is_resized: Whether it was made for another size than that.
    """

    decoder: Any
    kind: tuple[str, str, int]
    max_size_hw: tuple[int, int]
    size_hw: tuple[int, int]
    is_resized: bool = False


class NvdecSessions:
    """Makes sessions on one GPU and one stream, and keeps the last for the next user.

    Args:
        nvdec: The library.
        gpu_index: Which GPU, as CUDA counts those that the process sees.
        stream_handle: The CUDA stream that the sessions work on.

    Attributes:
        num_made: Sessions made so far.
        num_reused: Sessions used again so far.
    """

    def __init__(self, nvdec: Nvdec, *, gpu_index: int, stream_handle: int) -> None:
        self.nvdec = nvdec
        self.num_made = 0
        self.num_reused = 0
        self._gpu_index = gpu_index
        self._stream_handle = stream_handle
        self._idle: NvdecSession | None = None
        self._can_resize = True

    def take(self, sequence: SequenceForm) -> NvdecSession:
        """Return a session for a sequence.

        Raises:
            CannotDecodeError: The GPU does not decode such pictures, or has no session left.
        """
        kind = (sequence.codec, sequence.chroma, sequence.bit_depth)
        size_hw = sequence.picture.coded_size_hw
        self._check(sequence)
        idle, self._idle = self._idle, None
        if idle is not None and self._fits(idle, kind, size_hw) and self._resize(idle, size_hw):
            self.num_reused += 1
            return idle
        max_size_hw = size_hw
        if idle is not None and self._can_resize:
            max_size_hw = (
                max(size_hw[0], idle.max_size_hw[0]),
                max(size_hw[1], idle.max_size_hw[1]),
            )
        del idle  # its memory is free before the next one takes its own
        return self._make(kind, size_hw, max_size_hw)

    def give_back(self, session: NvdecSession) -> None:
        """Keep a session that was flushed for the next sequence."""
        self._idle = session

    def distrust_resizing(self) -> None:
        """Take a session for pictures of another size no more: it went wrong once."""
        self._can_resize = False

    def close(self) -> None:
        """Let go of the session that is kept."""
        self._idle = None

    def _check(self, sequence: SequenceForm) -> None:
        what = f"{sequence.codec} {sequence.chroma} of {sequence.bit_depth} bits"
        try:
            caps = self.nvdec.caps(
                sequence.codec, chroma=sequence.chroma, bit_depth=sequence.bit_depth
            )
        except self.nvdec.errors as error:
            raise _no_session(error) from error
        reason = caps.why_not(what, sequence.picture.coded_size_hw)
        if reason:
            raise CannotDecodeError(reason, help=CONVERT)

    def _fits(
        self, session: NvdecSession, kind: tuple[str, str, int], size_hw: tuple[int, int]
    ) -> bool:
        if session.kind != kind:
            return False
        if session.size_hw == size_hw:
            return True
        most = session.max_size_hw
        return self._can_resize and size_hw[0] <= most[0] and size_hw[1] <= most[1]

    def _resize(self, session: NvdecSession, size_hw: tuple[int, int]) -> bool:
        """Set a session to a size; return whether it took it."""
        if session.size_hw == size_hw:
            return True
        try:
            session.decoder.setReconfigParams(size_hw[1], size_hw[0])
        except self.nvdec.errors:  # then another session is made, which counts
            self.distrust_resizing()
            return False
        session.size_hw = size_hw
        session.is_resized = True
        return True

    def _make(
        self, kind: tuple[str, str, int], size_hw: tuple[int, int], max_size_hw: tuple[int, int]
    ) -> NvdecSession:
        module = self.nvdec.module
        try:
            decoder = module.CreateDecoder(
                gpuid=self._gpu_index,
                codec=self.nvdec.codec(kind[0]),
                cudacontext=0,  # the one that torch works in
                cudastream=self._stream_handle,
                usedevicememory=True,
                maxwidth=max_size_hw[1],
                maxheight=max_size_hw[0],
                outputColorType=module.OutputColorType.NATIVE,
            )
        except self.nvdec.errors as error:
            raise _no_session(error) from error
        self.num_made += 1
        return NvdecSession(decoder, kind, max_size_hw, size_hw)


def _no_session(error: Exception) -> CannotDecodeError:
    return CannotDecodeError(
        f"NVDEC gave no session: {describe_error(error)}",
        help="'videoflow doctor' shows what is there; fewer streams need fewer sessions",
    )
