"""What a layer is: it draws one kind of thing."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, ClassVar, Protocol

from videoflow.vision.scene import Scene

if TYPE_CHECKING:
    from videoflow.vision.canvas import Canvas
    from videoflow.vision.drawing import Pen

__all__ = ["Depth", "Layer"]


class Depth(IntEnum):
    """What lies above what: lower ones are drawn first."""

    GROUND = 0
    AREA = 1
    SHAPE = 2
    TEXT = 3


class Layer(Protocol):
    """Draws one kind of thing into the pictures of one stream.

    An annotator makes one of each class for each stream, without arguments, so a layer may
    keep what it needs from frame to frame.

    Attributes:
        name: By which it is switched on.
        kinds: The types of input that it draws.
        depth: Where it lies. ``Pen.wash`` is for ``GROUND`` only.
    """

    name: ClassVar[str]
    kinds: ClassVar[tuple[type, ...]]
    depth: ClassVar[Depth]

    def draw(self, scene: Scene, pen: Pen, canvas: Canvas) -> None:
        """Draw; called once for each frame of the stream, in its order.

        Args:
            scene: What is known, and how it should look.
            pen: Draws shapes that fit the size of the picture.
            canvas: What the pen draws on.
        """
