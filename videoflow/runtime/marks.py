"""What became of a frame, in one number that can be compared.

A mark is ``kind * 256 + node``. The worst of a frame's branches is the greatest: a frame that
one consumer got and another branch skipped is delivered; one that any branch dropped or
failed is dropped or failed. A flow has at most ``MAX_NODES`` nodes.
"""

from __future__ import annotations

from enum import IntEnum

__all__ = [
    "DELIVERED",
    "MAX_NODES",
    "NUM_KINDS",
    "Kind",
    "Marker",
    "kind_of",
    "mark",
    "node_of",
]

MAX_NODES = 255


class Kind(IntEnum):
    """The ways in which a frame can end, from best to worst."""

    PENDING = 0
    SKIPPED = 1
    DELIVERED = 2
    DROPPED = 3
    FAILED = 4


NUM_KINDS = len(Kind)

DELIVERED = int(Kind.DELIVERED) * 256


def mark(kind: Kind, node: int) -> int:
    """Return the mark for a frame that ended in ``kind`` because of ``node``."""
    return int(kind) * 256 + node


def kind_of(value: int) -> Kind:
    """Return the kind of a mark."""
    return Kind(value >> 8)


def node_of(value: int) -> int:
    """Return the node of a mark."""
    return value & 255


class Marker:
    """Travels in the place of a frame that a node gave up, so that no order has a hole."""

    __slots__ = ("mark",)

    def __init__(self, mark: int) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[type[Marker], tuple[int]]:
        return (Marker, (self.mark,))

    def __repr__(self) -> str:
        return f"Marker({kind_of(self.mark).name}, node={node_of(self.mark)})"
