"""Finds objects in frames, a batch at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from videoflow.data.detections import Detections
from videoflow.data.frame import Frame
from videoflow.errors import GraphError
from videoflow.nets.builder import check_builder, is_builder
from videoflow.nets.card import ModelCard, Task
from videoflow.processors.model_node import ModelNode

if TYPE_CHECKING:
    from videoflow.nets.detector import Detector

__all__ = ["ObjectDetector"]


class ObjectDetector(ModelNode["Detector"]):
    """Find objects in each frame with a model from the shelf, or with one of your own.

    Frames of several streams, sizes and layouts may stand in one batch; what is found in a
    frame does not depend on the others. With ``every=5`` only each fifth frame of a stream is
    looked at and the output for the others is ``None``; a tracker that follows lets its tracks
    move on by themselves meanwhile.

    Args:
        model: Name on the shelf; the path of a model's folder (with a slash in it); or a
            function of your own, ``package.module:function`` (see ``nets.builder``).
        classes: Names or indices of the classes to keep; None for all of the model's.
        score_threshold: Least score, 0 to 1; None for the model's own. YOLOX's is 0.1, low
            because trackers (ByteTrack) use weak detections too; who only draws boxes wants
            0.3 to 0.5.
        nms_threshold: Intersection over union above which two boxes of one class are one; None
            for the model's own. YOLOX's is 0.65, which keeps people apart who stand before
            each other, as a tracker wants; who only draws boxes sees fewer double ones with
            0.5.
        input_size: Longest side of the scaled picture in pixels; None for the one that the
            model was trained with. Larger finds smaller objects, and costs time with its
            square.
        precision: ``bfloat16`` is faster on processors that compute with it, ``float16`` on
            GPUs; both move boxes and scores a little.
        execution: How the network's layers are run. ``"eager"``: one by one. ``"graphs"``:
            recorded as CUDA graphs, which saves the host's time; on a GPU only.
            ``"compiled"``: by ``torch.compile``, which takes minutes to start. With the last
            two, batches are filled up to the next power of two.
        weights: A file of your own with the numbers for the model's network, instead of the
            card's.
        allow_unknown_checksum: Take a weights file whose checksum nobody knows, and note the
            checksum beside it; from then on the file has to stay as it is.
        **options: See ``BatchProcessorNode``; ``device="auto"`` is a GPU if there is one.

    Raises:
        GraphError: A value that makes no sense.
    """

    preload: ClassVar[tuple[str, ...]] = (*ModelNode.preload, "videoflow.nets.yolox")
    tasks: ClassVar[tuple[Task, ...]] = ("detection", "keypoints")

    def __init__(  # noqa: PLR0913 - one for each thing that can be chosen, all optional
        self,
        model: str | Path = "yolox_nano",
        *,
        classes: Sequence[str | int] | None = None,
        score_threshold: float | None = None,
        nms_threshold: float | None = None,
        input_size: int | None = None,
        precision: Literal["float32", "float16", "bfloat16"] = "float32",
        execution: Literal["eager", "graphs", "compiled"] = "eager",
        weights: str | Path | None = None,
        allow_unknown_checksum: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(
            model,
            {
                "classes": classes,
                "score_threshold": score_threshold,
                "nms_threshold": nms_threshold,
                "input_size": input_size,
                "precision": precision,
                "execution": execution,
                "weights": weights,
                "allow_unknown_checksum": allow_unknown_checksum,
            },
            **options,
        )
        if execution == "graphs" and self.options["device"] == "cpu":
            raise GraphError(
                f"{self.name!r}: got execution='graphs' and device='cpu'",
                help="CUDA graphs are for NVIDIA GPUs; leave one of the two out",
            )

    def check(self) -> None:
        """Do as every node with a model; and look up the classes, or your own function.

        Raises:
            ModelError: An unknown model, function or class, a wrong checksum, or no weights to
                be had.
            GraphError: A GPU was named, or is needed, that is not there.
        """
        if self.settings["execution"] == "graphs":
            self._check_graphs()
        if is_builder(self.model):
            self._check_device()
            check_builder(self.model)
        else:
            super().check()

    def open(self) -> None:
        """Load the model onto the node's device; on a GPU, or compiled, call it once."""
        from videoflow.nets.warm_up import warm_up  # torch: in the worker

        super().open()
        if self._is_on_gpu or self.settings["execution"] != "eager":
            detect = self._open_model().detect
            device = self._find_device(self.device)
            size = self.max_batch_size
            warm_up(detect, device=device, max_batch_size=size, report=self.note)

    def _check_graphs(self) -> None:
        if self._find_device(self.options["device"]).type == "cpu":
            raise GraphError(
                f"{self.name!r}: got execution='graphs', and there is no GPU",
                help="CUDA graphs are for NVIDIA GPUs; leave execution out",
            )

    def _check_card(self, card: ModelCard) -> None:
        super()._check_card(card)
        card.class_indices(self.settings["classes"])

    def _load(self) -> Detector:
        from videoflow.nets.load import load_detector  # torch: in the worker

        return load_detector(self.model, device=self.device, report=self.note, **self.settings)

    def _begin(self, model: Detector, batch: Sequence[Frame]) -> Callable[[], list[Detections]]:
        return model.begin(batch)
