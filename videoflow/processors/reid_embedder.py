"""Says what each person looks like, in numbers that can be compared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from videoflow.data.detections import Detections, Tracks
from videoflow.data.frame import Frame
from videoflow.nets.card import Task
from videoflow.processors.model_node import ModelNode

if TYPE_CHECKING:
    from videoflow.nets.embedder import Embedder

__all__ = ["ReidEmbedder"]


class ReidEmbedder(ModelNode["Embedder"]):
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

    preload: ClassVar[tuple[str, ...]] = (*ModelNode.preload, "videoflow.nets.osnet")
    tasks: ClassVar[tuple[Task, ...]] = ("embedding",)

    def __init__(
        self, model: str | Path = "osnet_retail_0248", *, max_crops: int = 32, **options: Any
    ) -> None:
        super().__init__(model, {"max_crops": max_crops}, **options)

    def _load(self) -> Embedder:
        from videoflow.nets.load import load_embedder  # torch: in the worker

        return load_embedder(self.model, device=self.device, **self.settings)

    def _begin(
        self, model: Embedder, batch: Sequence[tuple[Frame, Detections | Tracks | None]]
    ) -> Callable[[], list[Detections | Tracks | None]]:
        seen = [(frame, people) for frame, people in batch if people is not None]
        finish = model.begin(
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
