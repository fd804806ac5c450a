"""Names the class of every pixel of frames, a batch at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from videoflow.core.node import BatchProcessorNode
from videoflow.data.frame import Frame
from videoflow.data.segmentation import Segmentation
from videoflow.errors import FlowStateError, GraphError
from videoflow.nets.card import load_card
from videoflow.nets.weights import find_weights

if TYPE_CHECKING:
    from videoflow.nets.segmenter import Segmenter

__all__ = ["SemanticSegmenter"]


class SemanticSegmenter(BatchProcessorNode):
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

    prefers_gpu: ClassVar[bool] = True
    preload: ClassVar[tuple[str, ...]] = ("torch", "videoflow.nets.load")

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
        super().__init__(**options)
        if input_size is not None and (not isinstance(input_size, int) or input_size < 1):
            raise GraphError(f"{self.name!r}: got input_size={input_size!r}, want an int >= 1")
        if precision not in ("float32", "float16", "bfloat16"):
            raise GraphError(
                f"{self.name!r}: got precision={precision!r}, "
                "want 'float32', 'float16' or 'bfloat16'"
            )
        self.model = model
        self.input_size = input_size
        self.precision: Literal["float32", "float16", "bfloat16"] = precision
        self.weights = weights
        self.allow_unknown_checksum = allow_unknown_checksum
        self._segmenter: Segmenter | None = None
        self._is_on_gpu = False
        self._model_bytes = 0

    @property
    def model_bytes(self) -> int:
        """Size of the weights file, known after ``check``."""
        return self._model_bytes

    def check(self) -> None:
        """Read the card, and have the weights there and whole, downloaded if need be.

        Raises:
            ModelError: An unknown model or one for something else, a wrong checksum, or no
                weights to be had.
            GraphError: A GPU was named that is not there.
        """
        if self.options["device"].startswith("cuda"):
            from videoflow.nets.load import resolve_device  # torch: only who names a GPU

            resolve_device(self.options["device"])
        card = load_card(self.model, tasks=["segmentation"])
        if self.weights is not None:
            card = card.with_weights(Path(self.weights))
        file = find_weights(card, allow_unknown_checksum=self.allow_unknown_checksum)
        self._model_bytes = file.stat().st_size

    def open(self) -> None:
        """Load the model onto the node's device; on a GPU, call it once."""
        from videoflow.nets.load import load_segmenter, resolve_device  # torch: in the worker
        from videoflow.nets.warm_up import warm_up

        self._segmenter = load_segmenter(
            self.model,
            input_size=self.input_size,
            device=self.device,
            precision=self.precision,
            weights=self.weights,
            allow_unknown_checksum=self.allow_unknown_checksum,
            report=self.note,
        )
        self._is_on_gpu = resolve_device(self.device).type != "cpu"
        if self._is_on_gpu:
            warm_up(
                self._segmenter.segment, max_batch_size=self.max_batch_size, report=self.note
            )

    def begin_batch(self, batch: Sequence[Frame]) -> Callable[[], list[Segmentation]] | None:
        """Queue ``process_batch`` on a GPU; on a CPU there is nothing to gain."""
        return self._open_segmenter().begin(batch) if self._is_on_gpu else None

    def process_batch(self, batch: Sequence[Frame]) -> list[Segmentation]:
        """Return the class of every pixel of each frame, in the order of the batch.

        Raises:
            FlowStateError: The node is not open.
        """
        return self._open_segmenter().segment(batch)

    def close(self) -> None:
        """Let go of the model."""
        self._segmenter = None

    def _open_segmenter(self) -> Segmenter:
        if self._segmenter is None:
            raise FlowStateError(f"{self.name!r}: process_batch() was called before open()")
        return self._segmenter
