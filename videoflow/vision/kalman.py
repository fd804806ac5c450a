"""Where boxes will be: constant-velocity Kalman filters for many boxes at once.

A box is measured as four numbers. With constant velocities, and with noise that is independent
for each of the four, the covariance of one box falls apart into four blocks of 2 x 2 (a value
and its velocity), each kept as three numbers. That is exact, and makes every step a few
operations on arrays of all boxes. A belief is float64 ``[M, 5, 4]``: along the second axis the
values, their velocities a frame, the variances of the values, the covariances of each value
with its own velocity, and the variances of the velocities.

The three filters differ in what they measure and in how noisy they believe it to be. Beside the
centre (x, y) that is width / height and height (``AspectMotion``), width and height
(``SidesMotion``), or area and width / height (``AreaMotion``).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from videoflow.vision.boxes import F64

__all__ = ["AreaMotion", "AspectMotion", "BoxMotion", "SidesMotion", "picture_scale"]

_LEAST_SIZE = 1e-3  # px; keeps a box that shrinks while it coasts from turning inside out
_POSITION = 1 / 20  # standard deviation of a position, in box sizes
_VELOCITY = 1 / 160  # of a velocity, in box sizes a frame


class BoxMotion(ABC):
    """The rules of one filter; beliefs are handed in.

    Args:
        first_value: Four variances of a value after the first look, in units of ``_scale``.
        first_velocity: The same of a velocity.
        value: What a frame adds to the variance of a value.
        velocity: The same of a velocity.
        look: Variance of a measurement.
    """

    def __init__(
        self,
        *,
        first_value: Sequence[float],
        first_velocity: Sequence[float],
        value: Sequence[float],
        velocity: Sequence[float],
        look: Sequence[float],
    ) -> None:
        self._first_value = np.array(first_value)
        self._first_velocity = np.array(first_velocity)
        self._value = np.array(value)
        self._velocity = np.array(velocity)
        self._look = np.array(look)

    @abstractmethod
    def measure(self, boxes_xyxy: F64) -> F64:
        """Return the four numbers of each box, float64 ``[M, 4]``."""

    @abstractmethod
    def boxes_xyxy(self, beliefs: F64) -> F64:
        """Return where the boxes are believed to be, float64 ``[M, 4]``."""

    @abstractmethod
    def hold_size(self, beliefs: F64, rows: NDArray[np.bool_]) -> None:
        """Forget how fast some boxes grow: unseen, they would explode or vanish.

        Args:
            beliefs: ``[M, 5, 4]``, changed in place.
            rows: bool ``[M]``, which.
        """

    @abstractmethod
    def _scale(self, values: F64) -> F64:
        """Return the unit of all variances, float64, ``[M, 4]`` or what broadcasts to it."""

    @abstractmethod
    def _keep_real(self, beliefs: F64) -> None:
        """Change values that no box has, in place."""

    def begin(self, boxes_xyxy: F64) -> F64:
        """Return the beliefs after one look at each box, with unknown velocities.

        Args:
            boxes_xyxy: float64 ``[M, 4]``, each wider and higher than nothing.
        """
        beliefs = np.zeros((len(boxes_xyxy), 5, 4))
        beliefs[:, 0] = values = self.measure(boxes_xyxy)
        scale = self._scale(values)
        beliefs[:, 2] = scale * self._first_value
        beliefs[:, 4] = scale * self._first_velocity
        return beliefs

    def predict(self, beliefs: F64) -> None:
        """Move all boxes on by one frame, in place."""
        values, velocities, value_variances, covariances, velocity_variances = (
            beliefs.transpose(1, 0, 2)
        )
        scale = self._scale(values)
        values += velocities
        self._keep_real(beliefs)
        value_variances += covariances
        covariances += velocity_variances  # so that the next line adds it too
        value_variances += covariances
        value_variances += scale * self._value
        velocity_variances += scale * self._velocity

    def correct(self, beliefs: F64, boxes_xyxy: F64) -> None:
        """Learn from a new look at each box, in place.

        Args:
            beliefs: ``[M, 5, 4]``.
            boxes_xyxy: float64 ``[M, 4]``, what was seen of them.
        """
        values = beliefs[:, 0]
        surprise = self.measure(boxes_xyxy) - values
        noise = self._scale(values) * self._look
        block = beliefs[:, 2:4]  # variance of the value, covariance with the velocity
        gain = block / (block[:, :1] + noise[..., None, :])  # [M, 2, 4]
        beliefs[:, :2] += gain * surprise[:, None]
        beliefs[:, 4] -= gain[:, 1] * block[:, 1]
        block -= gain[:, :1] * block
        self._keep_real(beliefs)

    def warp(self, beliefs: F64, warp: F64) -> None:
        """Move boxes as the camera's motion moved the picture, in place.

        Centres and their velocities go through the whole affine map, sizes through its mean
        scale: a person does not lean when the camera does. What a rotation would mix into the
        covariance of x and y is left out; between two frames it is far below the noise.

        Args:
            beliefs: ``[M, 5, 4]``.
            warp: float64 ``[2, 3]``, places in the frame before to places in this one.
        """
        turn = warp[:, :2]
        beliefs[:, :2, :2] = beliefs[:, :2, :2] @ turn.T
        beliefs[:, 0, :2] += warp[:, 2]
        growth = picture_scale(warp) ** np.array(self._powers)
        beliefs[:, :2, 2:] *= growth[2:]
        beliefs[:, 2:] *= np.square(growth)
        self._keep_real(beliefs)

    _powers: tuple[int, int, int, int]
    """With which power of a picture's scale each of the four numbers grows."""


class AspectMotion(BoxMotion):
    """Centre, width / height, height.

    Source: Wojke, Bewley and Paulus, *Simple online and realtime tracking with a deep
    association metric*, 2017, section 2.1; noise as in the authors' code, which ByteTrack uses
    unchanged.
    """

    _powers = (1, 1, 0, 1)

    def __init__(self) -> None:
        def squares(of_place: float, of_aspect: float) -> list[float]:
            place, aspect = of_place**2, of_aspect**2
            return [place, place, aspect, place]

        super().__init__(
            first_value=squares(2 * _POSITION, 1e-2),
            first_velocity=squares(10 * _VELOCITY, 1e-5),
            value=squares(_POSITION, 1e-2),
            velocity=squares(_VELOCITY, 1e-5),
            look=squares(_POSITION, 1e-1),
        )

    def measure(self, boxes_xyxy: F64) -> F64:
        """Return (centre x, centre y, width / height, height) of each box."""
        values = _centres_and_sides(boxes_xyxy)
        values[:, 2] /= values[:, 3]
        return values

    def boxes_xyxy(self, beliefs: F64) -> F64:
        """Return where the boxes are believed to be."""
        half = beliefs[:, 0, 2:] / 2
        half[:, 0] *= beliefs[:, 0, 3]
        half[:, 1] = beliefs[:, 0, 3] / 2
        return _around(beliefs[:, 0, :2], half)

    def hold_size(self, beliefs: F64, rows: NDArray[np.bool_]) -> None:
        """Forget how fast the heights grow."""
        beliefs[rows, 1, 3] = 0.0

    def _scale(self, values: F64) -> F64:
        scale = np.square(values[:, 3:]).repeat(4, axis=1)
        scale[:, 2] = 1.0
        return scale

    def _keep_real(self, beliefs: F64) -> None:
        sizes = beliefs[:, 0, 2:]
        np.maximum(sizes, _LEAST_SIZE, out=sizes)


class SidesMotion(BoxMotion):
    """Centre, width, height.

    Args:
        side_doubt: Standard deviation of a measured side in those of a measured centre; 1 in
            the source. A person half hidden is seen too small sooner than at a wrong place.

    Source: Aharon, Orfaig and Bobrovsky, *BoT-SORT: robust associations multi-pedestrian
    tracking*, 2022, equations 1 to 8.
    """

    _powers = (1, 1, 1, 1)

    def __init__(self, *, side_doubt: float = 1.0) -> None:
        centre, side = _POSITION**2, (side_doubt * _POSITION) ** 2
        super().__init__(
            first_value=[(2 * _POSITION) ** 2] * 4,
            first_velocity=[(10 * _VELOCITY) ** 2] * 4,
            value=[_POSITION**2] * 4,
            velocity=[_VELOCITY**2] * 4,
            look=[centre, centre, side, side],
        )

    def measure(self, boxes_xyxy: F64) -> F64:
        """Return (centre x, centre y, width, height) of each box."""
        return _centres_and_sides(boxes_xyxy)

    def boxes_xyxy(self, beliefs: F64) -> F64:
        """Return where the boxes are believed to be."""
        return _around(beliefs[:, 0, :2], beliefs[:, 0, 2:] / 2)

    def hold_size(self, beliefs: F64, rows: NDArray[np.bool_]) -> None:
        """Forget how fast both sides grow."""
        beliefs[rows, 1, 2:] = 0.0

    def _scale(self, values: F64) -> F64:
        squares = np.square(values[:, 2:])
        return np.concatenate([squares, squares], axis=1)

    def _keep_real(self, beliefs: F64) -> None:
        sizes = beliefs[:, 0, 2:]
        np.maximum(sizes, _LEAST_SIZE, out=sizes)


class AreaMotion(BoxMotion):
    """Centre, area, width / height; the last has no velocity.

    Source: Bewley et al., *Simple online and realtime tracking*, 2016, section 3.2; noise as in
    the authors' code.
    """

    _powers = (1, 1, 2, 0)

    def __init__(self) -> None:
        super().__init__(
            first_value=[10, 10, 10, 10],
            first_velocity=[1e4, 1e4, 1e4, 0],
            value=[1, 1, 1, 1],
            velocity=[1e-2, 1e-2, 1e-4, 0],
            look=[1, 1, 10, 10],
        )

    def measure(self, boxes_xyxy: F64) -> F64:
        """Return (centre x, centre y, area, width / height) of each box."""
        values = _centres_and_sides(boxes_xyxy)
        width, height = values[:, 2].copy(), values[:, 3].copy()
        values[:, 2] *= height
        values[:, 3] = width / height
        return values

    def boxes_xyxy(self, beliefs: F64) -> F64:
        """Return where the boxes are believed to be."""
        area, aspect = beliefs[:, 0, 2], beliefs[:, 0, 3]
        half = np.empty((len(beliefs), 2))
        half[:, 0] = np.sqrt(area * aspect)
        half[:, 1] = area / half[:, 0]
        half /= 2
        return _around(beliefs[:, 0, :2], half)

    def hold_size(self, beliefs: F64, rows: NDArray[np.bool_]) -> None:
        """Forget how fast the areas grow."""
        beliefs[rows, 1, 2] = 0.0

    def predict(self, beliefs: F64) -> None:
        """Move all boxes on by one frame; an area that would shrink to nothing rests."""
        velocities = beliefs[:, 1, 2]
        velocities[beliefs[:, 0, 2] + velocities <= 0] = 0.0
        super().predict(beliefs)

    def _scale(self, values: F64) -> F64:
        return _ONES

    def _keep_real(self, beliefs: F64) -> None:
        sizes = beliefs[:, 0, 2:]
        np.maximum(sizes, _LEAST_SIZE, out=sizes)


_ONES = np.ones(4)


def picture_scale(warp: F64) -> float:
    """Return how much an affine map, float64 ``[2, 3]``, enlarges lengths on the whole."""
    (a, b), (d, e) = warp[:, :2].tolist()
    return math.sqrt(abs(a * e - b * d))


def _centres_and_sides(boxes_xyxy: F64) -> F64:
    values = np.empty((len(boxes_xyxy), 4))
    low, high = boxes_xyxy[:, :2], boxes_xyxy[:, 2:]
    np.subtract(high, low, out=values[:, 2:])
    np.add(low, high, out=values[:, :2])
    values[:, :2] /= 2
    return values


def _around(centres: F64, halves: F64) -> F64:
    boxes = np.empty((len(centres), 4))
    np.subtract(centres, halves, out=boxes[:, :2])
    np.add(centres, halves, out=boxes[:, 2:])
    return boxes
