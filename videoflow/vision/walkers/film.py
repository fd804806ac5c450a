"""A film of walkers, frame by frame, and the truth about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from videoflow.data.counts import LineTotals
from videoflow.data.geometry import Line
from videoflow.errors import ShapeError
from videoflow.vision.walkers.backdrop import paint_backdrop
from videoflow.vision.walkers.crowd import LINE, SIZE_HW, Walker, plan_crowd
from videoflow.vision.walkers.figure import limbs_of
from videoflow.vision.walkers.painting import extent, paint_limbs, paint_shadow
from videoflow.vision.walkers.ways import Passage

__all__ = ["MAX_SECONDS", "MIN_SECONDS", "WalkersFilm"]

U8 = NDArray[np.uint8]

MIN_SECONDS: Final = 4.0
"""The shortest film: nobody crosses in its first second and in its last half second."""

MAX_SECONDS: Final = 120.0
"""The longest film: to plan a crowd takes the square of its length."""

MAX_FPS: Final = 1000.0

_NOISE_LEVELS: Final = 3.0
_NOISE_SHIFT_PX: Final = 64


class WalkersFilm:
    """People who walk over a square, some of them over a line.

    Everything follows from the arguments, and each frame can be asked for by itself.

    Args:
        seed: Another one is another square and another crowd.
        seconds: How long it is, ``MIN_SECONDS`` to ``MAX_SECONDS``.
        fps: Frames a second.

    Raises:
        ShapeError: Too short or too long, or ``fps`` or ``seed`` out of range.

    Example:
        >>> film = WalkersFilm(seed=1, seconds=6.0, fps=20.0)
        >>> film.num_frames, film.picture(0).shape
        (120, (540, 960, 3))
    """

    line: Final[Line] = LINE
    size_hw: Final[tuple[int, int]] = SIZE_HW

    def __init__(self, *, seed: int = 0, seconds: float = 10.0, fps: float = 20.0) -> None:
        if not MIN_SECONDS <= seconds <= MAX_SECONDS or not 0 < fps <= MAX_FPS or seed < 0:
            raise ShapeError(
                f"a film of walkers: got seconds={seconds!r}, fps={fps!r}, seed={seed!r}, "
                f"want {MIN_SECONDS:g} <= seconds <= {MAX_SECONDS:g}, 0 < fps <= {MAX_FPS:g} "
                "and seed >= 0",
                help="make several short films with seeds of their own instead of a long one",
            )
        self.seed = seed
        self.seconds = seconds
        self.fps = fps
        self.crowd = plan_crowd(seed, seconds)
        self._backdrop: U8 | None = None
        self._noise: NDArray[np.int16] | None = None

    @property
    def num_frames(self) -> int:
        """How many frames there are."""
        return round(self.seconds * self.fps)

    @property
    def passages(self) -> list[Passage]:
        """Who crosses the line, in the order of time; computed from the ways."""
        found = (p for walker in self.crowd for p in walker.way.passages(self.line))
        seen = (p for p in found if 0 <= p.seconds < self.seconds)
        return sorted(seen, key=lambda passage: passage.seconds)

    @property
    def truth(self) -> LineTotals:
        """How many cross the line, in and out."""
        directions = [passage.direction for passage in self.passages]
        return LineTotals(into=directions.count("in"), out_of=directions.count("out"))

    def picture(self, index: int) -> U8:
        """Return a frame, uint8 ``[H, W, 3]``, fresh.

        Args:
            index: From 0.
        """
        if self._backdrop is None or self._noise is None:
            self._backdrop = paint_backdrop(self.size_hw, self.seed)
            self._noise = self._make_noise()
        picture = self._backdrop.copy()
        seconds = index / self.fps
        crowd = sorted(self.crowd, key=lambda walker: walker.way.at(seconds)[1])
        for walker in crowd:
            x, y = walker.way.at(seconds)
            paint_shadow(picture, x, y, radius=0.22 * walker.height_px(seconds))
        for walker in crowd:
            paint_limbs(picture, limbs_of(walker, seconds))
        return self._with_noise(picture, index)

    def people(self, index: int) -> list[Seen]:
        """Return who can be seen in a frame, the farthest first."""
        seconds = index / self.fps
        height, width = self.size_hw
        seen: list[Seen] = []
        for walker in sorted(self.crowd, key=lambda walker: walker.way.at(seconds)[1]):
            left, top, right, bottom = extent(limbs_of(walker, seconds))
            if right > 0 and left < width and bottom > 0 and top < height:
                seen.append(Seen(walker, (left, top, right, bottom)))
        return seen

    def _make_noise(self) -> NDArray[np.int16]:
        height, width = (side + _NOISE_SHIFT_PX for side in self.size_hw)
        rng = np.random.default_rng((self.seed, 2))
        noise = rng.normal(0, _NOISE_LEVELS, (height, width, 1))
        return noise.round().astype(np.int16)

    def _with_noise(self, picture: U8, index: int) -> U8:
        """Add the camera's noise: one pattern, laid on elsewhere in each frame."""
        assert self._noise is not None
        rng = np.random.default_rng((self.seed, 3, index))
        down, right = rng.integers(0, _NOISE_SHIFT_PX, 2).tolist()
        height, width = self.size_hw
        noisy = picture + self._noise[down : down + height, right : right + width]
        return np.clip(noisy, 0, 255, out=noisy).astype(np.uint8)


@dataclass(frozen=True, slots=True)
class Seen:
    """Somebody in a frame.

    Attributes:
        walker: Who.
        box_xyxy: Around the whole body, in pixels; may reach outside the picture.
    """

    walker: Walker
    box_xyxy: tuple[float, float, float, float]
