"""Which matrix and which range the samples of a picture have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["DEFAULT_COLOR", "ColorSpec", "Matrix"]

Matrix = Literal["bt601", "bt709", "bt2020"]
"""The standards whose coefficients turn luma and chroma into RGB."""


@dataclass(frozen=True, slots=True)
class ColorSpec:
    """How luma and chroma become RGB.

    Attributes:
        matrix: The matrix coefficients.
        is_full_range: True for 0 to 255, False for luma 16 to 235 and chroma 16 to 240.
    """

    matrix: Matrix = "bt601"
    is_full_range: bool = False

    def __reduce__(self) -> tuple[Callable[..., ColorSpec], tuple[Any, ...]]:
        # In a third of the time of a data class: every frame has one.
        return (ColorSpec, (self.matrix, self.is_full_range))


DEFAULT_COLOR = ColorSpec()
"""What standard-definition video has that does not say otherwise."""
