"""Drawn people as a stream of frames: for first steps, tests and measurements."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Unpack

from videoflow.core.node import NodeOptions, ProducerNode
from videoflow.data.frame import Frame, Stamp
from videoflow.errors import FlowStateError

if TYPE_CHECKING:
    from videoflow.data import Line, LineTotals
    from videoflow.vision.walkers import WalkersFilm

__all__ = ["WalkersProducer"]


class WalkersProducer(ProducerNode):
    """Draw people who walk over a square, some of them over a line, and know how many.

    Frames are NV12 of 960 x 540 pixels. They need no file: what a detector, a tracker and a
    counter make of them can be compared with ``truth`` anywhere.

    Args:
        seed: Another one is another square and another crowd.
        seconds: How long the film is, at least 4.
        fps: Frames a second of the film; they come as fast as they are drawn.
        stream: Name of the stream.
        **options: See ``NodeOptions``.

    Raises:
        ShapeError: A film that is too short, or ``fps`` is not above 0.

    Example:
        >>> walkers = WalkersProducer(seed=0)
        >>> walkers.line
        Line(start=(446.0, 530.0), end=(496.0, 348.0))
        >>> walkers.truth
        LineTotals(into=2, out_of=2)
    """

    preload: ClassVar[tuple[str, ...]] = (
        "torch",
        "videoflow.vision.walkers",
        "videoflow.data.color",
    )

    def __init__(
        self,
        *,
        seed: int = 0,
        seconds: float = 10.0,
        fps: float = 20.0,
        stream: str = "walkers",
        **options: Unpack[NodeOptions],
    ) -> None:
        super().__init__(**options)
        from videoflow.vision.walkers import WalkersFilm  # NumPy: only for who draws

        self._film = WalkersFilm(seed=seed, seconds=seconds, fps=fps)
        self._stream = stream
        self._index: int | None = None

    @property
    def film(self) -> WalkersFilm:
        """What is drawn: who walks where."""
        return self._film

    @property
    def line(self) -> Line:
        """What is to be crossed."""
        return self._film.line

    @property
    def truth(self) -> LineTotals:
        """How many cross the line, computed from the ways that they go."""
        return self._film.truth

    @property
    def stream(self) -> str:
        """The stream's name."""
        return self._stream

    @property
    def num_items(self) -> int:
        """How many frames there are."""
        return self._film.num_frames

    def open(self) -> None:
        """Go back to the first frame."""
        self._index = 0

    def next(self) -> Frame:
        """Return the next frame.

        Raises:
            StopIteration: The film is over.
        """
        import torch  # only for who draws

        from videoflow.data.color import rgb_to_nv12
        from videoflow.data.color_spec import DEFAULT_COLOR

        if self._index is None:
            raise FlowStateError(f"{self.name!r} is not open", help="call open() first")
        index = self._index
        if index >= self._film.num_frames:
            raise StopIteration
        self._index += 1
        rgb = torch.from_numpy(self._film.picture(index)).permute(2, 0, 1)
        planes = rgb_to_nv12(rgb[None], DEFAULT_COLOR)[0]
        buffer = self.slot_tensor(tuple(planes.shape)).copy_(planes)
        stamp = Stamp(self._stream, index, index / self._film.fps, self._film.size_hw)
        return Frame(buffer, stamp, "nv12", DEFAULT_COLOR)

    def close(self) -> None:
        """Nothing is held."""
        self._index = None
