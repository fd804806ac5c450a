from __future__ import annotations

import numpy as np
import pytest

from videoflow.vision.kalman import AreaMotion, AspectMotion, BoxMotion, SidesMotion

FORMS = [
    pytest.param(AspectMotion(), id="aspect"),
    pytest.param(SidesMotion(), id="sides"),
    pytest.param(AreaMotion(), id="area"),
]


@pytest.mark.parametrize("motion", FORMS)
def test_blocks_equal_the_dense_filter(motion: BoxMotion) -> None:
    """Four blocks of 2 x 2 are the 8 x 8 Kalman filter of the papers, to rounding."""
    rng = np.random.default_rng(1)
    corner = rng.uniform(0, 500, (3, 2))
    looks = [np.hstack([corner + 3 * i, corner + 3 * i + [40.0, 100.0 + i]]) for i in range(9)]
    beliefs = motion.begin(looks[0])
    dense = [_Dense(motion, look) for look in looks[0]]

    for number, look in enumerate(looks[1:]):
        motion.predict(beliefs)
        if number % 3:
            motion.correct(beliefs, look)
        for one, box in zip(dense, look, strict=True):
            one.predict()
            if number % 3:
                one.correct(box)

    want = np.stack([one.x for one in dense])
    np.testing.assert_allclose(np.hstack([beliefs[:, 0], beliefs[:, 1]]), want, rtol=1e-9)
    variances = np.stack([np.diag(one.P) for one in dense])
    got = np.hstack([beliefs[:, 2], beliefs[:, 4]])
    np.testing.assert_allclose(got, variances, rtol=1e-7)


@pytest.mark.parametrize("motion", FORMS)
def test_a_belief_is_the_box_that_it_began_with(motion: BoxMotion) -> None:
    """What is measured of a box is enough to draw it again; none is fine too."""
    boxes_xyxy = np.array([[0.0, 0, 50, 100], [-30, 10, 600, 20]])

    np.testing.assert_allclose(motion.boxes_xyxy(motion.begin(boxes_xyxy)), boxes_xyxy)
    assert motion.boxes_xyxy(motion.begin(np.zeros((0, 4)))).shape == (0, 4)


@pytest.mark.parametrize("motion", FORMS)
def test_a_shrinking_box_never_turns_inside_out(motion: BoxMotion) -> None:
    """However long a box coasts, its sides stay positive."""
    beliefs = motion.begin(np.array([[0.0, 0, 50, 100]]))
    beliefs[:, 1, 2:] = -10 if motion.__class__ is not AspectMotion else -0.1

    for _ in range(100):
        motion.predict(beliefs)

    box = motion.boxes_xyxy(beliefs)[0]
    assert box[2] > box[0]
    assert box[3] > box[1]


@pytest.mark.parametrize("motion", FORMS)
def test_a_camera_that_zooms_moves_boxes_with_the_picture(motion: BoxMotion) -> None:
    """A box goes where its corners go, and its speed grows as the picture does."""
    beliefs = motion.begin(np.array([[10.0, 20, 50, 100]]))
    beliefs[:, 1, :2] = [4, 2]

    motion.warp(beliefs, np.array([[2.0, 0, 5], [0, 2, -7]]))

    np.testing.assert_allclose(motion.boxes_xyxy(beliefs), [[25, 33, 105, 193]])
    np.testing.assert_allclose(beliefs[:, 1, :2], [[8, 4]])


@pytest.mark.parametrize("motion", FORMS)
def test_a_camera_that_stands_still_changes_nothing(motion: BoxMotion) -> None:
    """The identity leaves values and variances as they were."""
    beliefs = motion.begin(np.array([[10.0, 20, 50, 100]]))
    before = beliefs.copy()

    motion.warp(beliefs, np.eye(2, 3))

    np.testing.assert_allclose(beliefs, before)


class _Dense:
    """One box and its whole covariance, written as in the papers."""

    def __init__(self, motion: BoxMotion, box: np.ndarray) -> None:
        self.kind, self.motion = type(motion), motion
        self.x = np.hstack([self.measure(box), np.zeros(4)])
        if self.kind is AreaMotion:
            self.P = np.diag([10.0, 10, 10, 10, 1e4, 1e4, 1e4, 0])
        else:
            self.P = np.diag(np.square(self.deviations(2 / 20, 1e-2, 10 / 160, 1e-5)))
        self.F = np.eye(8) + np.eye(8, k=4)

    def measure(self, box: np.ndarray) -> np.ndarray:
        values: np.ndarray = self.motion.measure(box[None])[0]
        return values

    def deviations(
        self, place: float, aspect: float, speed: float, aspect_speed: float
    ) -> np.ndarray:
        w, h = self.x[2], self.x[3]
        if self.kind is SidesMotion:
            return np.array([w * place, h * place] * 2 + [w * speed, h * speed] * 2)
        place, speed = place * h, speed * h
        return np.array([place, place, aspect, place, speed, speed, aspect_speed, speed])

    def predict(self) -> None:
        if self.kind is AreaMotion:
            noise = np.array([1.0, 1, 1, 1, 1e-2, 1e-2, 1e-4, 0])
        else:
            noise = np.square(self.deviations(1 / 20, 1e-2, 1 / 160, 1e-5))
        self.x = self.F @ self.x
        self.P = self.F @ self.P @ self.F.T + np.diag(noise)

    def correct(self, box: np.ndarray) -> None:
        if self.kind is AreaMotion:
            noise = np.array([1.0, 1, 10, 10])
        else:
            noise = np.square(self.deviations(1 / 20, 1e-1, 0, 0))[:4]
        H = np.eye(4, 8)
        S = H @ self.P @ H.T + np.diag(noise)
        K = self.P @ H.T @ np.linalg.inv(S)
        self.x = self.x + K @ (self.measure(box) - H @ self.x)
        self.P = self.P - K @ S @ K.T
