"""Who walks where and when: a crowd that is planned, so that its truth is known.

Plans only what a truth can be told of: nobody is at the line as the film begins or ends, and
nobody stands inside somebody else.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from videoflow.data.geometry import Line, Point
from videoflow.vision.palette import RGB
from videoflow.vision.walkers.ways import Way

__all__ = ["LINE", "SIZE_HW", "Look", "Walker", "height_px", "plan_crowd"]

Length = TypeVar("Length", float, NDArray[np.float64])

SIZE_HW: Final = (540, 960)
"""Of the square as it is seen, in pixels."""

LINE: Final = Line(start=(446.0, 530.0), end=(496.0, 348.0))
"""What is to be crossed: over the square, away from the camera; *in* is to the right."""

Kind = Literal["in", "out", "back", "beside"]

_FIRST: Final[tuple[Kind, ...]] = ("in", "out", "in", "back", "beside")
_KINDS: Final[tuple[Kind, ...]] = ("in", "out", "in", "out", "back", "beside")
_WALKERS_PER_SECOND: Final = 0.85
_MARGIN_PX: Final = 80
"""So far beyond the picture's sides a way begins and ends."""
_BEGIN_SECONDS: Final = 1.5
_END_SECONDS: Final = 1.0
_TRIES: Final = 300

_SKINS: Final[tuple[RGB, ...]] = (
    *((241, 205, 178), (224, 176, 142), (190, 135, 98), (141, 92, 62), (96, 62, 44)),
)
_HAIRS: Final[tuple[RGB, ...]] = (
    *((38, 30, 26), (74, 50, 34), (120, 82, 48), (170, 134, 84), (150, 148, 146)),
)
_TOPS: Final[tuple[RGB, ...]] = (
    *((186, 58, 52), (44, 98, 158), (232, 178, 64), (64, 122, 84), (236, 232, 222)),
    *((92, 72, 128), (48, 52, 60), (214, 118, 66), (84, 150, 164), (196, 120, 142)),
)
_TROUSERS: Final[tuple[RGB, ...]] = (
    *((42, 52, 78), (52, 50, 52), (92, 80, 66), (148, 132, 106), (70, 92, 122)),
)
_SHOES: Final[tuple[RGB, ...]] = ((40, 36, 34), (226, 224, 220), (110, 70, 44), (150, 44, 44))


@dataclass(frozen=True, slots=True)
class Look:
    """What somebody wears.

    Attributes:
        skin: RGB.
        hair: RGB.
        top: RGB of the upper part.
        trousers: RGB.
        shoes: RGB.
        build: How broad, about 1.
        has_coat: Whether the upper part reaches down to the thighs.
        bag: RGB of what is on the back, or None.
    """

    skin: RGB
    hair: RGB
    top: RGB
    trousers: RGB
    shoes: RGB
    build: float
    has_coat: bool
    bag: RGB | None


@dataclass(frozen=True, slots=True)
class Walker:
    """Somebody on the square.

    Attributes:
        way: Of the feet.
        tallness: Height in those of a usual walker.
        phase: Where in the cycle of the gait the way begins, in radians.
        look: What is worn.
    """

    way: Way
    tallness: float
    phase: float
    look: Look

    def height_px(self, seconds: float) -> float:
        """Return the height in the picture."""
        return self.tallness * height_px(self.way.at(seconds)[1])


def height_px(y: Length) -> Length:
    """Return how tall a usual walker is whose feet are at the picture's row ``y``."""
    return 0.4 * (y + 60)


def plan_crowd(seed: int, seconds: float) -> tuple[Walker, ...]:
    """Plan who walks over the square, for as many as there is room for.

    Args:
        seed: The same one gives the same crowd.
        seconds: How long the film is.
    """
    rng = np.random.default_rng(seed)
    num = max(len(_FIRST), round(_WALKERS_PER_SECOND * seconds))
    kinds = [*_FIRST, *(_KINDS[i] for i in rng.integers(0, len(_KINDS), num - len(_FIRST)))]
    crowd: list[Walker] = []
    for kind in kinds:
        for _ in range(_TRIES):
            walker = _walker(kind, seconds, rng)
            if _has_room(walker, crowd, seconds):
                crowd.append(walker)
                break
    return tuple(crowd)


def _walker(kind: Kind, seconds: float, rng: np.random.Generator) -> Walker:
    tallness = float(rng.uniform(0.92, 1.06))
    way = _way(kind, seconds, tallness, rng)
    return Walker(way, tallness, float(rng.uniform(0, 2 * math.pi)), random_look(rng))


def _way(kind: Kind, seconds: float, tallness: float, rng: np.random.Generator) -> Way:
    """Plan a way that is at the line, or passes it, somewhere within the film."""
    goes_right = kind == "in" or (kind != "out" and rng.random() < 0.5)
    width = SIZE_HW[1]
    left, right = -_MARGIN_PX, width + _MARGIN_PX
    x0, x1 = (left, right) if goes_right else (right, left)
    low, high = (288, 312) if kind == "beside" else (378, 515)
    y0 = float(rng.uniform(low, high))
    y1 = float(np.clip(y0 + rng.uniform(-22, 22), low, high))
    speed = float(rng.uniform(0.62, 0.86)) * tallness * height_px((y0 + y1) / 2)
    there = float(rng.uniform(_BEGIN_SECONDS, seconds - _END_SECONDS))  # at the line
    x_line = _line_x((y0 + y1) / 2)
    duration = abs(x1 - x0) / speed
    begin = there - abs(x_line - x0) / speed
    if kind != "back":
        return Way((begin, begin + duration), ((x0, y0), (x1, y1)))
    gap = float(rng.uniform(75, 140))
    turn: Point = (x_line - gap if goes_right else x_line + gap, y1)
    come, wait = abs(turn[0] - x0) / speed, float(rng.uniform(0.7, 1.3))
    times = (begin, begin + come, begin + come + wait, begin + 2 * come + wait)
    return Way(times, ((x0, y0), turn, turn, (x0, y0)))


def _line_x(y: float) -> float:
    (x0, y0), (x1, y1) = LINE.start, LINE.end
    return x0 + (y - y0) / (y1 - y0) * (x1 - x0)


def _has_room(walker: Walker, crowd: list[Walker], seconds: float) -> bool:
    """Say whether no other is too near on the floor at any time of the film."""
    times = np.arange(0, seconds, 0.1)
    x, y = walker.way.at_times(times)
    for other in crowd:
        other_x, other_y = other.way.at_times(times)
        if bool((np.hypot(other_x - x, 2.2 * (other_y - y)) < 0.35 * height_px(y)).any()):
            return False
    return True


def random_look(rng: np.random.Generator) -> Look:
    """Return what somebody wears, by chance."""

    def one_of(colours: tuple[RGB, ...]) -> RGB:
        return colours[rng.integers(len(colours))]

    return Look(
        skin=one_of(_SKINS),
        hair=one_of(_HAIRS),
        top=one_of(_TOPS),
        trousers=one_of(_TROUSERS),
        shoes=one_of(_SHOES),
        build=float(rng.uniform(0.9, 1.12)),
        has_coat=bool(rng.random() < 0.3),
        bag=one_of(_TOPS) if rng.random() < 0.3 else None,
    )
