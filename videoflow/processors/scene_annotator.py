"""Draw what a flow says into its pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from videoflow.core.node import PerStreamProcessorNode
from videoflow.core.wanted import wanted_input
from videoflow.data.frame import Frame
from videoflow.errors import GraphError
from videoflow.vision.layers import DEFAULT_LAYERS, LAYERS, Layer, pick_layers
from videoflow.vision.scene import Scene
from videoflow.vision.style import Style

if TYPE_CHECKING:
    from torch import Tensor

    from videoflow.vision.canvas import Canvas
    from videoflow.vision.drawing import Pen

__all__ = ["SceneAnnotator", "ScenePainter"]


class SceneAnnotator(PerStreamProcessorNode["ScenePainter"]):
    """Draw everything that the inputs say into a copy of each frame.

    ``SceneAnnotator()(frames, tracks, counts, heat)``: the frame comes first, then any number
    of inputs in any order, each drawn by its type: ``Tracks`` and ``Detections`` with their
    masks and keypoints, ``Counts``, ``ZoneCounts``, ``HeatMap``, ``Speeds``, ``Segmentation``,
    and whatever a layer of your own takes. Where an input is ``None`` (nobody looked at this
    frame) its last word is drawn again. The picture keeps its layout and its device.

    Args:
        labels: Names of the classes, to be written beside the objects; None for no names.
        layers: What to draw: names of ``videoflow.vision.layers.LAYERS``, and classes of your
            own.
        style: What it looks like.
        **options: See ``NodeOptions``.

    Raises:
        GraphError: A layer that there is not, labels that are no names, or no style.
    """

    makes_frames = True
    preload = ("torch", "numpy", "PIL.ImageDraw", "PIL.ImageFont")

    def __init__(
        self,
        *,
        labels: Sequence[str] | None = None,
        layers: Sequence[str | type[Layer]] = DEFAULT_LAYERS,
        style: Style | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.labels = tuple(labels or ())
        if isinstance(labels, str) or not all(isinstance(name, str) for name in self.labels):
            raise GraphError(
                f"{self.name!r}: got labels={labels!r}, want a list of the classes' names"
            )
        self.layers = pick_layers(layers)
        self.style = style or Style()
        if not isinstance(self.style, Style):
            raise GraphError(f"{self.name!r}: got style={style!r}, want a Style")
        # What a layer that is off would draw is no mistake.
        known = {*LAYERS.values(), *self.layers}
        self._kinds = tuple({kind for layer in known for kind in layer.kinds})

    def make_state(self, stream: str) -> ScenePainter:
        """Return a painter who knows nothing yet."""
        return ScenePainter(self.style, self.labels, self.layers)

    def process(self, state: ScenePainter, *inputs: Any) -> Frame:
        """Return the frame with what is known drawn into it.

        Args:
            state: Of the stream.
            *inputs: The frame; then what to draw, or None.

        Raises:
            GraphError: No frame, or something that no layer draws.
        """
        frame: Frame = wanted_input(
            self.name, inputs, 0, Frame, help="name the node that the pictures come from first"
        )
        words = inputs[1:]
        self._check(words)
        source = frame.pixels
        target = self.slot_tensor(tuple(source.shape)).copy_(source)
        state.hear(frame, words)
        if target.device.type == "cpu":
            state.paint_in_place(target)
        else:
            state.paint_by_overlay(target)
        return Frame(target, frame.stamp, frame.layout, frame.color)

    def _check(self, words: Sequence[Any]) -> None:
        for number, word in enumerate(words, start=1):
            if word is not None and not isinstance(word, self._kinds):
                names = ", ".join(sorted(kind.__name__ for kind in self._kinds))
                raise GraphError(
                    f"{self.name!r}, input {number}: got {type(word).__name__}, "
                    f"want None or one of {names}",
                    help="docs/annotating.md shows a layer of one's own",
                )


class ScenePainter:
    """Draws the pictures of one stream.

    What was said of a picture of another size does not fit into this one: when the size
    changes, the painter forgets it, trails too.

    Args:
        style: How to draw.
        labels: Names of the classes; may be empty.
        layers: What to draw, in this order.
    """

    _scene: Scene
    _layers: tuple[Layer, ...]

    def __init__(
        self, style: Style, labels: Sequence[str], layers: Sequence[type[Layer]]
    ) -> None:
        self._style = style
        self._labels = labels
        self._kinds = layers
        self._size_hw: tuple[int, int] | None = None
        self._pen: Pen | None = None
        self._overlay: Canvas | None = None

    def hear(self, frame: Frame, words: Sequence[Any]) -> None:
        """Take the next frame's inputs; None leaves the last word standing."""
        if self._size_hw != frame.size_hw:
            self._size_hw = frame.size_hw
            self._scene = Scene(self._style, self._labels)
            self._layers = tuple(kind() for kind in self._kinds)
        self._scene.take(frame.stamp, words)
        kind = (frame.size_hw, frame.layout, frame.color)
        pen = self._pen
        if pen is None or (pen.size_hw, pen.layout, pen.color) != kind:
            from videoflow.vision.drawing import Pen  # Pillow: only where something is drawn

            self._pen = Pen(*kind, scale=self._style.scale)
            self._overlay = None

    def paint_in_place(self, target: Tensor) -> None:
        """Draw into a copy of the frame that was heard last, in host memory."""
        assert self._pen is not None
        self._draw(self._pen, self._pen.canvas(target.numpy()))

    def paint_by_overlay(self, target: Tensor) -> None:
        """Draw beside a copy of that frame on any device, and send it only what was drawn."""
        assert self._pen is not None
        if self._overlay is None:
            self._overlay = self._pen.overlay()
        self._draw(self._pen, self._overlay)
        self._overlay.lift_onto(target, self._pen.layout)

    def _draw(self, pen: Pen, canvas: Canvas) -> None:
        for layer in self._layers:
            layer.draw(self._scene, pen, canvas)
