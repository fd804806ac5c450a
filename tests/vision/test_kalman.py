from __future__ import annotations

import numpy as np

from videoflow.vision.kalman import BoxMotion, measure


def test_blocks_equal_the_dense_filter() -> None:
    """Four blocks of 2 x 2 are the 8 x 8 Kalman filter of the paper, to rounding."""
    rng = np.random.default_rng(1)
    corner = rng.uniform(0, 500, (3, 2))
    looks = [np.hstack([corner + 3 * i, corner + 3 * i + [40.0, 100.0 + i]]) for i in range(9)]
    motion = BoxMotion.begin(looks[0])
    dense = [_Dense(look) for look in looks[0]]

    for number, look in enumerate(looks[1:]):
        motion.predict()
        if number % 3:
            motion.correct(np.arange(3), look)
        for one, box in zip(dense, look, strict=True):
            one.predict()
            if number % 3:
                one.correct(box)

    want = np.stack([one.x for one in dense])
    np.testing.assert_allclose(np.hstack([motion.values, motion.velocities]), want, rtol=1e-9)
    variances = np.stack([np.diag(one.P) for one in dense])
    got = np.hstack([motion.value_variances, motion.velocity_variances])
    np.testing.assert_allclose(got, variances, rtol=1e-7)


def test_a_shrinking_box_never_turns_inside_out() -> None:
    """However long a box coasts, its sides stay positive."""
    motion = BoxMotion.begin(np.array([[0.0, 0, 50, 100]]))
    motion.velocities[:] = [0, 0, -0.1, -10]

    for _ in range(100):
        motion.predict()

    box = motion.boxes_xyxy()[0]
    assert box[2] > box[0]
    assert box[3] > box[1]


class _Dense:
    """One box, written as in the paper."""

    def __init__(self, box: np.ndarray) -> None:
        self.x = np.hstack([measure(box[None])[0], np.zeros(4)])
        h = self.x[3]
        std = [h / 10, h / 10, 1e-2, h / 10, h / 16, h / 16, 1e-5, h / 16]
        self.P = np.diag(np.square(std))
        self.F = np.eye(8) + np.eye(8, k=4)

    def predict(self) -> None:
        h = self.x[3]
        std = [h / 20, h / 20, 1e-2, h / 20, h / 160, h / 160, 1e-5, h / 160]
        self.x = self.F @ self.x
        self.P = self.F @ self.P @ self.F.T + np.diag(np.square(std))

    def correct(self, box: np.ndarray) -> None:
        h = self.x[3]
        H = np.eye(4, 8)
        S = H @ self.P @ H.T + np.diag(np.square([h / 20, h / 20, 1e-1, h / 20]))
        K = self.P @ H.T @ np.linalg.inv(S)
        self.x = self.x + K @ (measure(box[None])[0] - H @ self.x)
        self.P = self.P - K @ S @ K.T
