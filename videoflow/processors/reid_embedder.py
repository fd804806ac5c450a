"""Says what each person looks like, in numbers that can be compared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from videoflow.core.node import BatchProcessorNode
from videoflow.data.detections import Detections, Tracks
from videoflow.data.frame import Frame
from videoflow.errors import FlowStateError, GraphError
from videoflow.nets.card import load_card
from videoflow.nets.weights import find_weights

if TYPE_CHECKING:
    from videoflow.nets.embedder import Embedder

__all__ = ["ReidEmbedder"]


class ReidEmbedder(BatchProcessorNode):
    """Add to each detection or track a vector that tells people apart by their looks.

    ``ReidEmbedder()(frames, people)``, with detections (before a tracker that compares looks)
    or tracks (to find somebody again in another stream). What comes out is what came in, with
    ``embeddings``: vectors of length 1, whose inner product says how alike two boxes look,
    from -1 to 1. Every box gets one, whatever its label: the detector is where classes are
    chosen. A box that shows less than a pixel of the picture, or is not a number, gets zeros,
    which are like nothing. ``None`` (nobody looked at this frame) stays ``None``.

    Frames of several streams, sizes and layouts may stand in one batch; what a box gets does
    not depend on the others.

    Args:
        model: Name on the shelf, or the path of a model's folder (with a slash in it).
        max_crops: At most so many boxes, of all frames of a batch, in one call of the model.
        **options: See ``BatchProcessorNode``; ``device="auto"`` is a GPU if there is one.

    Raises:
        GraphError: A value that makes no sense.
    """

    prefers_gpu: ClassVar[bool] = True
    preload: ClassVar[tuple[str, ...]] = (
        "torch",
        "videoflow.nets.load",
        "videoflow.nets.osnet",
    )

    def __init__(
        self, model: str | Path = "osnet_retail_0248", *, max_crops: int = 32, **options: Any
    ) -> None:
        super().__init__(**options)
        if not isinstance(max_crops, int) or isinstance(max_crops, bool) or max_crops < 1:
            raise GraphError(f"{self.name!r}: got max_crops={max_crops!r}, want an int >= 1")
        self.model = model
        self.max_crops = max_crops
        self._embedder: Embedder | None = None
        self._is_on_gpu = False
        self._model_bytes = 0

    @property
    def model_bytes(self) -> int:
        """Size of the weights file, known after ``check``."""
        return self._model_bytes

    def check(self) -> None:
        """Read the card, and have the weights there and whole.

        Raises:
            ModelError: An unknown model or one for something else, a wrong checksum, or no
                weights to be had.
            GraphError: A GPU was named that is not there.
        """
        card = load_card(self.model, tasks=["embedding"])
        if self.options["device"].startswith("cuda"):
            from videoflow.nets.load import resolve_device  # torch: only who names a GPU

            resolve_device(self.options["device"])
        self._model_bytes = find_weights(card).stat().st_size

    def open(self) -> None:
        """Load the model onto the node's device."""
        from videoflow.nets.load import load_embedder, resolve_device  # torch: in the worker

        self._embedder = load_embedder(self.model, max_crops=self.max_crops, device=self.device)

        self._is_on_gpu = resolve_device(self.device).type != "cpu"

    def begin_batch(
        self, batch: Sequence[tuple[Frame, Detections | Tracks | None]]
    ) -> Callable[[], list[Detections | Tracks | None]] | None:
        """Queue ``process_batch`` on a GPU; on a CPU there is nothing to gain."""
        return self._begin(batch) if self._is_on_gpu else None

    def process_batch(
        self, batch: Sequence[tuple[Frame, Detections | Tracks | None]]
    ) -> list[Detections | Tracks | None]:
        """Return the people of each frame with their embeddings, in the order of the batch.

        Raises:
            FlowStateError: The node is not open.
        """
        return self._begin(batch)()

    def _begin(
        self, batch: Sequence[tuple[Frame, Detections | Tracks | None]]
    ) -> Callable[[], list[Detections | Tracks | None]]:
        if self._embedder is None:
            raise FlowStateError(f"{self.name!r}: process_batch() was called before open()")
        seen = [(frame, people) for frame, people in batch if people is not None]
        finish = self._embedder.begin(
            [frame for frame, _ in seen], [people.boxes_xyxy for _, people in seen]
        )
        everybody = [people for _, people in batch]

        def results() -> list[Detections | Tracks | None]:
            vectors = iter(finish())
            return [
                None if people is None else replace(people, embeddings=next(vectors))
                for people in everybody
            ]

        return results

    def close(self) -> None:
        """Let go of the model."""
        self._embedder = None
