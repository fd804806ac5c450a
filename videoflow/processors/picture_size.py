"""Pixels mean nothing when the picture changes its size: what nodes with lines or zones say."""

from __future__ import annotations

from videoflow.data.frame import Stamp
from videoflow.errors import ConfigError

__all__ = ["refuse_other_size"]


def refuse_other_size(
    node: str, stamp: Stamp, first_hw: tuple[int, int], *, places: str
) -> None:
    """Refuse a frame that is not as large as the first one of its stream.

    Args:
        node: Its name, for the message.
        stamp: Of the frame.
        first_hw: Height and width of the stream's first picture in pixels.
        places: What the node was given in pixels of that, such as ``lines``.

    Raises:
        ConfigError: Another size.
    """
    if stamp.size_hw == first_hw:
        return
    height, width = stamp.size_hw
    raise ConfigError(
        f"{node!r}, stream {stamp.stream!r}, frame {stamp.index}: got a picture of "
        f"{width} x {height}, want {first_hw[1]} x {first_hw[0]} as at first: "
        f"the {places} are in pixels of that",
        help=f"bring all frames to one size first: ResizeTransformer({first_hw})(frames)",
    )
