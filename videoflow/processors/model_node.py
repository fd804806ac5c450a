"""What every node with a model from the shelf does: have its weights, load it, call it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, TypeVar

from videoflow.core.node import BatchProcessorNode
from videoflow.errors import FlowStateError, GraphError
from videoflow.nets.card import ModelCard, Task, load_card
from videoflow.nets.weights import find_weights

if TYPE_CHECKING:
    import torch

__all__ = ["ModelNode"]

Model = TypeVar("Model")

_CHOICES: Final = {
    "precision": ("float32", "float16", "bfloat16"),
    "execution": ("eager", "graphs", "compiled"),
}


class ModelNode(BatchProcessorNode, Generic[Model]):
    """Run a model from the shelf on batches.

    A kind of its own between the node and its models, because all that differs between them
    is how they are loaded and called, and what they can be told.

    Attributes:
        tasks: What its models may be for, as their cards say.

    Args:
        model: Name on the shelf, or the path of a model's folder (with a slash in it).
        settings: Arguments for the function of ``nets.load`` that loads it; None stands for
            what the model's card says.
        **options: See ``BatchProcessorNode``.

    Raises:
        GraphError: A setting that makes no sense.
    """

    auto_device = "gpu"
    preload: ClassVar[tuple[str, ...]] = ("torch", "videoflow.nets.load")
    tasks: ClassVar[tuple[Task, ...]]

    def __init__(
        self, model: str | Path, settings: Mapping[str, Any], /, **options: Any
    ) -> None:
        super().__init__(**options)
        for key, value in settings.items():
            want = None if value is None else _wanted(key, value)
            if want is not None:
                raise GraphError(f"{self.name!r}: got {key}={value!r}, want {want}")
        self.model = model
        self.settings = dict(settings)
        self._loaded: Model | None = None
        self._is_on_gpu = False
        self._model_bytes = 0

    @property
    def model_bytes(self) -> int:
        """Size of the weights file, known after ``check``."""
        return self._model_bytes

    def check(self) -> None:
        """Read the card, and have the weights there and whole, downloaded if need be.

        So a failure comes before any worker starts.

        Raises:
            ModelError: An unknown model or one for something else, a setting that does not fit
                it, a wrong checksum, or no weights to be had.
            GraphError: A GPU was named that is not there.
        """
        self._check_device()
        card = load_card(self.model, tasks=self.tasks)
        self._check_card(card)
        if self.settings.get("weights") is not None:
            card = card.with_weights(Path(self.settings["weights"]))
        is_trusted = self.settings.get("allow_unknown_checksum", False)
        self._model_bytes = find_weights(card, allow_unknown_checksum=is_trusted).stat().st_size

    def open(self) -> None:
        """Load the model onto the node's device."""
        self._loaded = self._load()
        self._is_on_gpu = self._find_device(self.device).type != "cpu"

    def begin_batch(self, batch: Sequence[Any]) -> Callable[[], list[Any]] | None:
        """Queue ``process_batch`` on a GPU; on a CPU there is nothing to gain."""
        return self._begin(self._open_model(), batch) if self._is_on_gpu else None

    def process_batch(self, batch: Sequence[Any]) -> list[Any]:
        """Return what the model says of each item, in the order of the batch.

        Raises:
            FlowStateError: The node is not open.
        """
        return self._begin(self._open_model(), batch)()

    def close(self) -> None:
        """Let go of the model."""
        self._loaded = None

    def _check_device(self) -> None:
        if self.options["device"].startswith("cuda"):
            self._find_device(self.options["device"])

    def _check_card(self, card: ModelCard) -> None:
        """Refuse settings that do not fit the card."""
        card.input.input_size(self.settings.get("input_size"))

    @abstractmethod
    def _load(self) -> Model:
        """Return the model, on the node's device."""

    @abstractmethod
    def _begin(self, model: Model, batch: Sequence[Any]) -> Callable[[], list[Any]]:
        """Queue the work for a batch; return what waits for its results."""

    def _find_device(self, device: str) -> torch.device:
        from videoflow.nets.load import resolve_device  # torch: only where it is needed

        return resolve_device(device)

    def _open_model(self) -> Model:
        if self._loaded is None:
            raise FlowStateError(f"{self.name!r}: process_batch() was called before open()")
        return self._loaded


def _wanted(key: str, value: Any) -> str | None:
    """Return what is wanted of a setting that makes no sense; None if it does."""
    if key in _CHOICES and value not in _CHOICES[key]:
        *others, last = map(repr, _CHOICES[key])
        return f"{', '.join(others)} or {last}"
    if key.endswith("_threshold") and not (isinstance(value, int | float) and 0 <= value <= 1):
        return "0 to 1"
    is_count = isinstance(value, int) and not isinstance(value, bool) and value >= 1
    if key in ("input_size", "max_crops") and not is_count:
        return "an int >= 1"
    return None
