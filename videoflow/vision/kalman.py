"""Where boxes will be: a constant-velocity Kalman filter for many boxes at once.

A box is measured as (centre x, centre y, width / height, height). With this motion and with
noise that is independent for each of the four, the 8 x 8 covariance of one box falls apart
into four blocks of 2 x 2 (a value and its velocity), each kept as three numbers. That is
exact, and makes every step a few operations on arrays of all boxes.

Source: Wojke, Bewley and Paulus, *Simple online and realtime tracking with a deep association
metric*, 2017, section 2.1; noise as in the authors' code, which ByteTrack uses unchanged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from videoflow.vision.boxes import F64

__all__ = ["BoxMotion", "measure"]

_POSITION = 1 / 20  # standard deviation of a position, in box heights
_VELOCITY = 1 / 160  # of a velocity, in box heights a frame
_LEAST_SIZE = 1e-3  # px; keeps a box that shrinks while it coasts from turning inside out
_HEIGHT = 3  # which of the four


@dataclass(slots=True)
class BoxMotion:
    """What is believed of M boxes: values, velocities, and how sure.

    Attributes:
        values: float64 ``[M, 4]``, centre x and y in px, width / height, height in px.
        velocities: float64 ``[M, 4]``, the same a frame.
        value_variances: float64 ``[M, 4]``.
        covariances: float64 ``[M, 4]``, of a value with its own velocity.
        velocity_variances: float64 ``[M, 4]``.
    """

    values: F64
    velocities: F64
    value_variances: F64
    covariances: F64
    velocity_variances: F64

    @classmethod
    def begin(cls, boxes_xyxy: NDArray[np.floating[Any]]) -> Self:
        """Return the belief after one look at each box, with unknown velocities.

        Args:
            boxes_xyxy: float ``[M, 4]``, each wider and higher than nothing.
        """
        values = measure(boxes_xyxy)
        nothing = np.zeros_like(values)
        return cls(
            values,
            nothing,
            _variances(values, 2 * _POSITION, 1e-2),
            nothing.copy(),
            _variances(values, 10 * _VELOCITY, 1e-5),
        )

    def __len__(self) -> int:
        return len(self.values)

    def predict(self) -> None:
        """Move all boxes on by one frame."""
        position_noise = _variances(self.values, _POSITION, 1e-2)
        velocity_noise = _variances(self.values, _VELOCITY, 1e-5)
        self.values = self.values + self.velocities
        self.values[:, 2:] = np.maximum(self.values[:, 2:], _LEAST_SIZE)
        self.value_variances = (
            self.value_variances
            + 2 * self.covariances
            + self.velocity_variances
            + position_noise
        )
        self.covariances = self.covariances + self.velocity_variances
        self.velocity_variances = self.velocity_variances + velocity_noise

    def hold_height(self, rows: NDArray[np.bool_]) -> None:
        """Forget how fast the boxes of ``rows`` grow: unseen, they would explode or vanish.

        Args:
            rows: bool ``[M]``.
        """
        self.velocities[rows, _HEIGHT] = 0.0

    def correct(self, rows: NDArray[np.intp], boxes_xyxy: NDArray[np.floating[Any]]) -> None:
        """Learn from a new look at some boxes.

        Args:
            rows: ``[K]``, which boxes, each at most once.
            boxes_xyxy: float ``[K, 4]``, what was seen of them.
        """
        pp, pv = self.value_variances[rows], self.covariances[rows]
        noise = _variances(self.values[rows], _POSITION, 1e-1)
        innovation = measure(boxes_xyxy) - self.values[rows]
        K_value, K_velocity = pp / (pp + noise), pv / (pp + noise)
        self.values[rows] += K_value * innovation
        self.values[rows, 2:] = np.maximum(self.values[rows, 2:], _LEAST_SIZE)
        self.velocities[rows] += K_velocity * innovation
        self.velocity_variances[rows] -= K_velocity * pv
        self.covariances[rows] -= K_value * pv
        self.value_variances[rows] -= K_value * pp

    def boxes_xyxy(self) -> F64:
        """Return where the boxes are believed to be, float64 ``[M, 4]``."""
        half_height = self.values[:, 3] / 2
        half = np.stack([self.values[:, 2] * half_height, half_height], axis=1)
        return np.concatenate([self.values[:, :2] - half, self.values[:, :2] + half], axis=1)

    def pick(self, rows: NDArray[Any]) -> BoxMotion:
        """Return a copy of the rows that a mask or an index array picks."""
        return BoxMotion(*(array[rows] for array in self._arrays()))

    def join(self, other: BoxMotion) -> BoxMotion:
        """Return these boxes, then those of ``other``."""
        pairs = zip(self._arrays(), other._arrays(), strict=True)
        return BoxMotion(*(np.concatenate(pair) for pair in pairs))

    def _arrays(self) -> tuple[F64, ...]:
        return (
            self.values,
            self.velocities,
            self.value_variances,
            self.covariances,
            self.velocity_variances,
        )


def measure(boxes_xyxy: NDArray[np.floating[Any]]) -> F64:
    """Return (centre x, centre y, width / height, height) of each box, float64 ``[M, 4]``."""
    boxes = boxes_xyxy.astype(np.float64, copy=False)
    size = boxes[:, 2:] - boxes[:, :2]
    centre = boxes[:, :2] + size / 2
    return np.stack([centre[:, 0], centre[:, 1], size[:, 0] / size[:, 1], size[:, 1]], axis=1)


def _variances(values: F64, per_height: float, of_aspect: float) -> F64:
    deviations = np.repeat(per_height * values[:, 3:], 4, axis=1)
    deviations[:, 2] = of_aspect
    variances: F64 = np.square(deviations)
    return variances
