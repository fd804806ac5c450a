"""The body of a walker: round limbs in space, and how they lie in the picture.

A body is drawn from limbs between joints. Joints are given in heights of the body: forward,
to its left, and up from the floor. Seen from any side, so that who turns round does so.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

from videoflow.vision.palette import RGB
from videoflow.vision.walkers.crowd import Look, Walker

__all__ = ["Limb", "limbs_of"]

_STEPS_HEIGHT: Final = 0.86
"""The length of two steps in heights of the body, at an easy pace.

Source: Winter, *Biomechanics and Motor Control of Human Movement*, 4th ed.: a stride of 1.4 to
1.6 m for a height of 1.75 m.
"""

_HIP, _KNEE, _SHOULDER = 0.53, 0.285, 0.815  # heights above the floor of who stands
_THIGH, _SHIN = _HIP - _KNEE, _KNEE - 0.045
_UPPER_ARM, _FOREARM = 0.175, 0.15


class Joint(NamedTuple):
    """A place in the body, in its heights."""

    forward: float
    left: float
    up: float


class Limb(NamedTuple):
    """Two discs and all between them, in the picture.

    Attributes:
        start: (x, y) in pixels.
        end: (x, y).
        start_radius: Pixels.
        end_radius: Pixels.
        colour: RGB.
    """

    start: tuple[float, float]
    end: tuple[float, float]
    start_radius: float
    end_radius: float
    colour: RGB


class _Part(NamedTuple):
    start: Joint
    end: Joint
    start_radius: float
    end_radius: float
    colour: RGB


def limbs_of(walker: Walker, seconds: float) -> list[Limb]:
    """Return the limbs as they lie in the picture, the farthest from the camera first."""
    height = walker.height_px(seconds)
    stride = walker.way.walked_px(seconds) / (_STEPS_HEIGHT * height)
    goes = walker.way.walked_px(seconds + 0.05) > walker.way.walked_px(seconds - 0.05)
    phase = walker.phase + 2 * math.pi * stride
    parts = _body(walker.look, phase, swing=1.0 if goes else 0.12)
    lowest = min(min(p.start.up - p.start_radius, p.end.up - p.end_radius) for p in parts)
    yaw = walker.way.yaw(seconds)
    cos, sin = math.cos(yaw), math.sin(yaw)
    x, y = walker.way.at(seconds)

    def place(joint: Joint) -> tuple[float, float]:
        # To the left of who looks right is away from the camera.
        across = joint.forward * cos + joint.left * sin
        return x + height * across, y - height * (joint.up - lowest)

    def nearness(part: _Part) -> float:
        forward = part.start.forward + part.end.forward
        near = forward * sin - (part.start.left + part.end.left) * cos
        # What is worn above hangs over the trousers, from any side.
        return 0.01 * near - 0.02 if part.end.up < part.start.up < _HIP + 0.01 else near

    return [
        Limb(
            place(part.start),
            place(part.end),
            height * part.start_radius,
            height * part.end_radius,
            part.colour,
        )
        for part in sorted(parts, key=nearness)
    ]


def _body(look: Look, phase: float, *, swing: float) -> list[_Part]:
    """Return the parts of a body in the cycle of its gait.

    Args:
        look: What is worn.
        phase: 0 to 2 pi for two steps.
        swing: How far the limbs swing, 1 for who walks.
    """
    broad = look.build
    parts = [*_torso(look, broad), *_head(look)]
    for side in (1.0, -1.0):
        turn = phase if side > 0 else phase + math.pi
        parts += _leg(look, turn, side, swing=swing)
        parts += _arm(look, turn + math.pi, side, swing=swing)
    return parts


def _torso(look: Look, broad: float) -> list[_Part]:
    waist = 0.5 if not look.has_coat else 0.4
    parts = [
        _Part(
            Joint(0.0, left, waist),
            Joint(0.012, 1.25 * left, 0.79),
            (0.07 if not left else 0.055) * broad,
            (0.078 if not left else 0.05) * broad,
            look.top,
        )
        for left in (0.055, -0.055, 0.0)
    ]
    if look.bag is not None:
        parts.append(
            _Part(Joint(-0.1, 0.0, 0.62), Joint(-0.095, 0.0, 0.75), 0.055, 0.045, look.bag)
        )
    return parts


def _head(look: Look) -> list[_Part]:
    return [
        _Part(Joint(0.012, 0.0, 0.84), Joint(0.02, 0.0, 0.89), 0.032, 0.03, look.skin),
        _Part(Joint(-0.002, 0.0, 0.925), Joint(-0.006, 0.0, 0.948), 0.05, 0.054, look.hair),
        _Part(Joint(0.03, 0.0, 0.905), Joint(0.03, 0.0, 0.935), 0.042, 0.042, look.skin),
    ]


def _leg(look: Look, turn: float, side: float, *, swing: float) -> list[_Part]:
    """Return thigh, shin and foot: the knee bends while the leg comes forward.

    Source: the angles of hip and knee over a cycle, Winter (see above), roughly.
    """
    hip_angle = swing * (0.45 * math.sin(turn) + 0.06)
    bend = swing * (0.12 + 0.85 * max(0.0, math.cos(turn + 0.35)) ** 2)
    hip = Joint(0.0, side * 0.045, _HIP)
    knee = _swung(hip, hip_angle, _THIGH)
    ankle = _swung(knee, hip_angle - bend, _SHIN)
    pitch = hip_angle - bend + 0.25 * bend
    toe = Joint(
        ankle.forward + 0.085 * math.cos(pitch),
        ankle.left + side * 0.01,
        ankle.up - 0.018 + 0.085 * math.sin(pitch),
    )
    broad = look.build
    return [
        _Part(ankle, toe, 0.028, 0.019, look.shoes),
        _Part(knee, ankle, 0.042 * broad, 0.029, look.trousers),
        _Part(hip, knee, 0.062 * broad, 0.044 * broad, look.trousers),
    ]


def _arm(look: Look, turn: float, side: float, *, swing: float) -> list[_Part]:
    angle = swing * 0.42 * math.sin(turn)
    bend = 0.12 + swing * (0.3 + 0.2 * math.sin(turn))
    shoulder = Joint(0.01, side * 0.105 * look.build, _SHOULDER - 0.02)
    elbow = _swung(shoulder, angle - 0.05, _UPPER_ARM)
    wrist = _swung(elbow, angle + bend, _FOREARM)
    hand = _swung(wrist, angle + bend, 0.03)
    return [
        _Part(wrist, hand, 0.018, 0.02, look.skin),
        _Part(elbow, wrist, 0.026, 0.02, look.top),
        _Part(shoulder, elbow, 0.036 * look.build, 0.028, look.top),
    ]


def _swung(joint: Joint, angle: float, length: float) -> Joint:
    """Return the other end of a limb that hangs from ``joint``, swung forward by ``angle``."""
    return Joint(
        joint.forward + length * math.sin(angle),
        joint.left,
        joint.up - length * math.cos(angle),
    )
