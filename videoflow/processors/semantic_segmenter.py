"""Names the class of every pixel of frames, a batch at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from videoflow.data.frame import Frame
from videoflow.data.segmentation import Segmentation
from videoflow.nets.card import Task
from videoflow.processors.model_node import ModelNode

if TYPE_CHECKING:
    from videoflow.nets.segmenter import Segmenter

__all__ = ["SemanticSegmenter"]


class SemanticSegmenter(ModelNode["Segmenter"]):
    """Say of each pixel of each frame what it shows, with a model from the shelf.

    What comes out is a ``Segmentation`` at the size of the frame. Frames of several streams,
    sizes and layouts may stand in one batch; what comes out for a frame does not depend on
    the others.

    Args:
        model: Name on the shelf, or the path of a model's folder (with a slash in it).
        input_size: Shorter side of the scaled picture in pixels; None for the one that the
            model was trained with. Larger finds smaller things, and costs time with its
            square.
        precision: See ``ObjectDetector``.
        weights: A file of your own with the numbers for the model's network, instead of the
            card's.
        allow_unknown_checksum: See ``ObjectDetector``.
        **options: See ``BatchProcessorNode``; ``device="auto"`` is a GPU if there is one.

    Raises:
        GraphError: A value that makes no sense.
    """

    tasks: ClassVar[tuple[Task, ...]] = ("segmentation",)

    def __init__(
        self,
        model: str | Path = "lraspp_mobilenet_v3_large",
        *,
        input_size: int | None = None,
        precision: Literal["float32", "float16", "bfloat16"] = "float32",
        weights: str | Path | None = None,
        allow_unknown_checksum: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(
            model,
            {
                "input_size": input_size,
                "precision": precision,
                "weights": weights,
                "allow_unknown_checksum": allow_unknown_checksum,
            },
            **options,
        )

    def open(self) -> None:
        """Load the model onto the node's device; on a GPU, call it once."""
        from videoflow.nets.warm_up import warm_up  # torch: in the worker

        super().open()
        if self._is_on_gpu:
            segment = self._open_model().segment
            device = self._find_device(self.device)
            size = self.max_batch_size
            warm_up(segment, device=device, max_batch_size=size, report=self.note)

    def _load(self) -> Segmenter:
        from videoflow.nets.load import load_segmenter  # torch: in the worker

        return load_segmenter(self.model, device=self.device, report=self.note, **self.settings)

    def _begin(
        self, model: Segmenter, batch: Sequence[Frame]
    ) -> Callable[[], list[Segmentation]]:
        return model.begin(batch)
