"""Finds objects in frames, a batch at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from videoflow.core.node import BatchProcessorNode
from videoflow.data.detections import Detections
from videoflow.data.frame import Frame
from videoflow.errors import FlowStateError, GraphError
from videoflow.nets.builder import check_builder, is_builder
from videoflow.nets.card import load_card
from videoflow.nets.weights import find_weights

if TYPE_CHECKING:
    from videoflow.nets.detector import Detector

__all__ = ["ObjectDetector"]


class ObjectDetector(BatchProcessorNode):
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

    prefers_gpu: ClassVar[bool] = True
    preload: ClassVar[tuple[str, ...]] = (
        "torch",
        "videoflow.nets.load",
        "videoflow.nets.yolox",
    )

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
        super().__init__(**options)
        for key, value in (
            ("score_threshold", score_threshold),
            ("nms_threshold", nms_threshold),
        ):
            if value is not None and not 0 <= value <= 1:
                raise GraphError(f"{self.name!r}: got {key}={value!r}, want 0 to 1")
        if input_size is not None and (not isinstance(input_size, int) or input_size < 1):
            raise GraphError(f"{self.name!r}: got input_size={input_size!r}, want an int >= 1")
        if precision not in ("float32", "float16", "bfloat16"):
            raise GraphError(
                f"{self.name!r}: got precision={precision!r}, "
                "want 'float32', 'float16' or 'bfloat16'"
            )
        if execution not in ("eager", "graphs", "compiled"):
            raise GraphError(
                f"{self.name!r}: got execution={execution!r}, "
                "want 'eager', 'graphs' or 'compiled'"
            )
        if execution == "graphs" and self.options["device"] == "cpu":
            raise GraphError(
                f"{self.name!r}: got execution='graphs' and device='cpu'",
                help="CUDA graphs are for NVIDIA GPUs; leave one of the two out",
            )
        self.model = model
        self.classes = classes
        self.score_threshold = score_threshold
        self.nms_threshold = nms_threshold
        self.input_size = input_size
        self.precision: Literal["float32", "float16", "bfloat16"] = precision
        self.execution: Literal["eager", "graphs", "compiled"] = execution
        self.weights = weights
        self.allow_unknown_checksum = allow_unknown_checksum
        self._detector: Detector | None = None
        self._is_on_gpu = False
        self._model_bytes = 0

    @property
    def model_bytes(self) -> int:
        """Size of the weights file, known after ``check``."""
        return self._model_bytes

    def check(self) -> None:
        """Read the card, look up the classes, and have the weights there and whole.

        Downloads the weights if they are nowhere yet, so that a failure comes before any
        worker starts.

        Raises:
            ModelError: An unknown model or class, a wrong checksum, or no weights to be had.
            GraphError: A GPU was named, or is needed, that is not there.
        """
        if self.options["device"].startswith("cuda") or self.execution == "graphs":
            from videoflow.nets.load import resolve_device  # torch: only who wants a GPU

            if resolve_device(self.options["device"]).type == "cpu":
                raise GraphError(
                    f"{self.name!r}: got execution='graphs', and there is no GPU",
                    help="CUDA graphs are for NVIDIA GPUs; leave execution out",
                )
        if is_builder(self.model):
            check_builder(self.model)
            return
        card = load_card(self.model, tasks=("detection", "keypoints"))
        card.class_indices(self.classes)
        card.input.input_size(self.input_size)
        if self.weights is not None:
            card = card.with_weights(Path(self.weights))
        file = find_weights(card, allow_unknown_checksum=self.allow_unknown_checksum)
        self._model_bytes = file.stat().st_size

    def open(self) -> None:
        """Load the model onto the node's device; on a GPU, or compiled, call it once."""
        from videoflow.nets.load import load_detector, resolve_device  # torch: in the worker
        from videoflow.nets.warm_up import warm_up

        self._detector = load_detector(
            self.model,
            classes=self.classes,
            score_threshold=self.score_threshold,
            nms_threshold=self.nms_threshold,
            input_size=self.input_size,
            device=self.device,
            precision=self.precision,
            execution=self.execution,
            weights=self.weights,
            allow_unknown_checksum=self.allow_unknown_checksum,
            report=self.note,
        )
        self._is_on_gpu = resolve_device(self.device).type != "cpu"
        if self._is_on_gpu or self.execution != "eager":
            warm_up(self._detector.detect, max_batch_size=self.max_batch_size, report=self.note)

    def begin_batch(self, batch: Sequence[Frame]) -> Callable[[], list[Detections]] | None:
        """Queue ``process_batch`` on a GPU; on a CPU there is nothing to gain."""
        return self._open_detector().begin(batch) if self._is_on_gpu else None

    def process_batch(self, batch: Sequence[Frame]) -> list[Detections]:
        """Return the detections of each frame, in the order of the batch.

        Raises:
            FlowStateError: The node is not open.
        """
        return self._open_detector().detect(batch)

    def close(self) -> None:
        """Let go of the model."""
        self._detector = None

    def _open_detector(self) -> Detector:
        if self._detector is None:
            raise FlowStateError(f"{self.name!r}: process_batch() was called before open()")
        return self._detector
