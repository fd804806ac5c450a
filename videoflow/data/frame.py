"""A video frame as it travels: pixels in a slot, and which frame of which stream it is.

Knows layouts (NV12 and RGB), not how they are converted: that is ``data.color``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, Self

from videoflow.data.color_spec import DEFAULT_COLOR, ColorSpec
from videoflow.data.lease import OWNED, Lease
from videoflow.errors import ShapeError

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Frame", "Layout", "Stamp"]

Layout = Literal["nv12", "rgb"]
"""How the pixels of a frame lie in memory."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """Which frame of which stream something belongs to.

    Attributes:
        stream: Name of the stream (one camera or file).
        index: Position in the source, from 0; what a source lost leaves a hole.
        pts_seconds: Presentation time in the source.
        size_hw: Height and width of the source picture in pixels.
    """

    stream: str
    index: int
    pts_seconds: float
    size_hw: tuple[int, int]

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        # In a third of the time of a data class: every message has a stamp.
        return (Stamp, (self.stream, self.index, self.pts_seconds, self.size_hw))


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of a stream, lent until the call that it was handed to returns.

    Attributes:
        buffer: uint8. ``nv12``: ``[H * 3 / 2, W]``, H and W even: H rows of luma, then
            H / 2 rows of interleaved chroma. ``rgb``: ``[3, H, W]``, any strides.
        stamp: Which frame of which stream.
        layout: What ``buffer`` holds.
        color: How NV12 becomes RGB; of no meaning for ``rgb``.
        lease: How long ``buffer`` may be read.

    Raises:
        ShapeError: ``buffer`` does not fit ``layout`` and ``stamp.size_hw``.
    """

    buffer: Tensor = field(repr=False)
    stamp: Stamp
    layout: Layout = "nv12"
    color: ColorSpec = DEFAULT_COLOR
    lease: Lease = field(default=OWNED, repr=False, compare=False)

    def __post_init__(self) -> None:
        height, width = self.stamp.size_hw
        want = (height * 3 // 2, width) if self.layout == "nv12" else (3, height, width)
        if self.layout == "nv12" and (height % 2 or width % 2):
            raise ShapeError(
                f"NV12 needs an even size, got {width} x {height}",
                help="pictures of an odd size travel as layout='rgb'",
            )
        if tuple(self.buffer.shape) != want or str(self.buffer.dtype) != "torch.uint8":
            raise ShapeError(
                f"{self.layout} frame of {width} x {height}: got {self.buffer.dtype} "
                f"{list(self.buffer.shape)}, want torch.uint8 {list(want)}"
            )

    @property
    def pixels(self) -> Tensor:
        """``buffer``, after a look at the lease.

        Raises:
            LeaseError: The frame was used after the call that it was lent for.
        """
        self.lease.check()
        return self.buffer

    @property
    def stream(self) -> str:
        """Name of the stream."""
        return self.stamp.stream

    @property
    def index(self) -> int:
        """Position in the source, from 0."""
        return self.stamp.index

    @property
    def pts_seconds(self) -> float:
        """Presentation time in the source."""
        return self.stamp.pts_seconds

    @property
    def size_hw(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.stamp.size_hw

    def rgb(self) -> Tensor:
        """Return the picture as uint8 ``[3, H, W]`` (a channels-last view) on its device.

        An RGB frame returns its own memory, an NV12 frame fresh memory.

        Raises:
            LeaseError: The frame was used after the call that it was lent for.
        """
        from videoflow.data.color import nv12_to_rgb  # torch: only for who has pixels

        if self.layout == "rgb":
            return self.pixels
        return nv12_to_rgb(self.pixels.unsqueeze(0), self.color)[0]

    def keep(self) -> Self:
        """Return a copy that is the caller's own, for use after the call.

        Raises:
            LeaseError: It is too late: the frame's slot holds another one.
        """
        return replace(self, buffer=self.pixels.clone(), lease=OWNED)

    def lent(self, lease: Lease) -> Self:
        """Return the same frame under another lease; the runtime calls this."""
        return replace(self, lease=lease)

    def __repr__(self) -> str:
        height, width = self.size_hw
        return (
            f"Frame({self.stream!r}, index={self.index}, pts_seconds={self.pts_seconds:.3f}, "
            f"{self.layout} {width}x{height} on {self.buffer.device})"
        )

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return (Frame, (self.buffer, self.stamp, self.layout, self.color, self.lease))
