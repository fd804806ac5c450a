"""The square on which walkers walk: paving in perspective before a row of houses."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["paint_backdrop"]

F32 = NDArray[np.float32]

_HORIZON: Final = -60.0
"""Row of the picture where the floor would meet the sky."""

_FINE: Final = 2  # is painted so much larger, and shrunk, so that edges are soft


def paint_backdrop(size_hw: tuple[int, int], seed: int) -> NDArray[np.uint8]:
    """Return the empty square, uint8 ``[H, W, 3]``; another seed is another square.

    Args:
        size_hw: In pixels.
        seed: Of the colours, the paving and the houses.
    """
    rng = np.random.default_rng((seed, 1))
    height, width = (_FINE * side for side in size_hw)
    kerb = int(0.44 * height)
    picture = np.empty((height, width, 3), np.float32)
    picture[kerb:] = _paving(kerb, size_hw, rng)
    picture[:kerb] = _houses(kerb, width, rng)
    picture *= 1 + 0.05 * _grain((height, width), rng)[..., None]
    picture[kerb : kerb + 6 * _FINE] *= 0.72
    picture *= _light((height, width))
    small = picture.reshape(size_hw[0], _FINE, size_hw[1], _FINE, 3).mean(axis=(1, 3))
    return np.asarray(np.clip(small, 0, 255), np.uint8)


def _paving(kerb: int, size_hw: tuple[int, int], rng: np.random.Generator) -> F32:
    """Paint slabs of several greys, with joints; rows get thinner with the distance."""
    height, width = (_FINE * side for side in size_hw)
    y = (np.arange(kerb, height, dtype=np.float32) / _FINE)[:, None] - _HORIZON
    x = np.arange(width, dtype=np.float32)[None] / _FINE - size_hw[1] / 2
    across = x / y * float(rng.uniform(7, 12))
    away = 6000 / y * float(rng.uniform(0.45, 0.75))
    row = np.floor(away)
    across = across + 0.5 * (row % 2)
    tone = rng.uniform(0.86, 1.0, (64, 64)).astype(np.float32)
    column = np.floor(across).astype(np.int64) % 64
    shade = tone[row.astype(np.int64) % 64, column]
    is_joint = (across - np.floor(across) < 0.035) | (away - row < 0.06)
    shade = np.where(is_joint, 0.72, shade)
    grey = np.array([198, 190, 178]) + rng.uniform(-22, 16) + rng.uniform(-8, 8, 3)
    return (shade[..., None] * grey).astype(np.float32)


def _houses(kerb: int, width: int, rng: np.random.Generator) -> F32:
    """Paint fronts of several colours, side by side."""
    fronts = np.empty((kerb, width, 3), np.float32)
    left = -int(rng.integers(0, 100 * _FINE))
    while left < width:
        right = left + _FINE * int(rng.integers(170, 300))
        view = fronts[:, max(0, left) : min(right, width)]
        base = np.array([(176, 142, 116), (150, 156, 160), (190, 172, 140), (134, 112, 104)])
        view[:] = base[rng.integers(len(base))] + rng.uniform(-14, 14, 3)
        _open_front(fronts, left, right, rng)
        left = right
    fronts[-14 * _FINE :] *= 0.78  # the base of the walls
    return fronts


def _open_front(fronts: F32, left: int, right: int, rng: np.random.Generator) -> None:
    """Put windows, and perhaps a door and an awning, into one front."""
    kerb = len(fronts)
    num = int(rng.integers(2, 4))
    bay = (right - left) / num
    door = int(rng.integers(-1, num))
    frame = rng.uniform(60, 225) * np.array([1.0, 0.97, 0.92])
    for number in range(num):
        x0, x1 = (int(left + (number + share) * bay) for share in (0.18, 0.82))
        low = kerb if number == door else kerb - 46 * _FINE
        _pane(fronts, (x0, 118 * _FINE, x1, low), frame, rng)
        _pane(fronts, (x0, -10, x1, 72 * _FINE), frame, rng)
    if rng.random() < 0.6:
        colour = np.array([(168, 60, 52), (52, 104, 92), (206, 160, 74), (60, 84, 128)])
        view = fronts[96 * _FINE : 114 * _FINE, max(0, left + 12) : max(0, right - 12)]
        stripes = (np.arange(view.shape[1]) // (9 * _FINE) % 2)[None, :, None]
        view[:] = np.where(stripes, colour[rng.integers(len(colour))], 228.0)


def _pane(
    fronts: F32,
    box: tuple[int, int, int, int],
    frame: NDArray[np.float64],
    rng: np.random.Generator,
) -> None:
    """Put one window into the fronts: a frame, and glass that mirrors the sky."""
    x0, y0, x1, y1 = (max(0, side) for side in box)
    rim = 4 * _FINE
    fronts[y0:y1, x0:x1] = frame
    glass = fronts[y0 + rim : y1 - rim, x0 + rim : x1 - rim]
    if glass.size == 0:
        return
    down = np.linspace(0, 1, glass.shape[0], dtype=np.float32)[:, None, None]
    across = np.linspace(0, 1, glass.shape[1], dtype=np.float32)[None, :, None]
    sky = np.array([126, 152, 172]) * rng.uniform(0.6, 1.1)
    glass[:] = sky * (1.12 - 0.5 * down) + 26 * (np.abs(across - down) < 0.16)
    middle = glass.shape[1] // 2
    glass[:, middle - rim // 3 : middle + rim // 3] = frame


def _grain(size_hw: tuple[int, int], rng: np.random.Generator) -> F32:
    """Return noise of several sizes, of about unit spread."""
    total = np.zeros(size_hw, np.float32)
    for step in (2, 6, 24, 96):
        coarse = rng.standard_normal((size_hw[0] // step + 2, size_hw[1] // step + 2))
        spread = np.repeat(np.repeat(coarse.astype(np.float32), step, 0), step, 1)
        total += spread[: size_hw[0], : size_hw[1]]
    return np.asarray(total / 2, np.float32)


def _light(size_hw: tuple[int, int]) -> F32:
    """Return more light from the left, and less in the corners."""
    y = np.linspace(-1, 1, size_hw[0], dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, size_hw[1], dtype=np.float32)[None]
    return np.asarray(1.02 - 0.05 * x - 0.09 * (x * x + y * y), np.float32)[..., None]
