"""The model card: what a model on the shelf is, takes and gives.

A card is the file ``model.yaml`` in the model's folder. It is data: the code that builds the
network is named by ``factory``, and everything else in the package asks the card instead of
knowing models by name.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    Strict,
    StringConstraints,
    ValidationError,
    model_validator,
)

from videoflow.errors import ModelError
from videoflow.nets.labels import class_indices
from videoflow.nets.shelf import CARD_FILE, find_model

__all__ = ["InputContract", "ModelCard", "OutputContract", "WeightsFile", "load_card"]

Text = Annotated[str, StringConstraints(min_length=1)]
Count = Annotated[int, Field(ge=1)]
Colour = Annotated[tuple[float, float, float], Strict(False)]
Task = Literal["detection", "segmentation", "keypoints", "embedding"]


class _Strict(BaseModel):
    """Frozen, without unknown keys and without conversions ("32" is no int)."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class WeightsFile(_Strict):
    """The trained numbers: one file; on the shelf itself, beside the card, only if tiny.

    Attributes:
        file: Name under which the file is looked up and cached.
        sha256: Its checksum in lower-case hexadecimal digits: all 64, or at least the first
            eight. None where nobody knows it: then whoever loads the model has to say once
            that any content will do (see ``nets.weights``).
        url: Where it can be had; ``https:`` or ``file:``. None for a file that is only beside
            the card or in a folder of weights.
        origin: Who trained it, for people.
    """

    file: Annotated[str, StringConstraints(pattern=r"^\w[\w.-]*$")]
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8,64}$")] | None = None
    url: Annotated[str, StringConstraints(pattern=r"^(https?|file)://")] | None = None
    origin: Text


class InputContract(_Strict):
    """What the network wants: float ``[N, 3, H, W]``, pictures in the upper left corner.

    Attributes:
        channels: Order of the three colours.
        size: The side in pixels that the weights were trained for; or height and width, for a
            network that takes only this size.
        fit: How a picture is scaled. ``long_side``: its longer side becomes ``size``;
            ``short_side``: its shorter side does, as far as the longer one stays within
            ``max_size``; ``stretch``: both do, whatever its proportions. Into a fixed height
            and width, ``long_side`` scales as far as the picture fits.
        max_size: See ``fit``; None for no limit.
        stride: H and W are multiples of it; what the picture leaves is padded.
        has_low_pass: Pictures are shrunk with a low-pass filter and rounded to whole levels,
            as image libraries do; without, each pixel is made of its four neighbours.
        mean: Of the three colours, where black is 0 and white 1; None where the network
            wants levels, 0 to 255.
        std: What is left after ``mean`` was taken away is divided by it.
        pad_value: Of the padding, in the numbers that the network gets.
    """

    channels: Literal["bgr", "rgb"]
    size: Count | Annotated[tuple[Count, Count], Strict(False)]
    fit: Literal["long_side", "short_side", "stretch"] = "long_side"
    max_size: Count | None = None
    stride: Count = 1
    has_low_pass: bool = False
    mean: Colour | None = None
    std: Colour = (1.0, 1.0, 1.0)
    pad_value: Annotated[float, Field(ge=-255, le=255)]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if isinstance(self.size, tuple) and self.fit == "short_side":
            raise ValueError("long_side or stretch with a fixed height and width")
        return self

    def input_size(self, wanted: int | None) -> int | tuple[int, int]:
        """Return the size to run at: that of a side, or a fixed height and width.

        Args:
            wanted: In place of ``size``, in pixels; None for the contract's own.

        Raises:
            ModelError: A side for a network of a fixed size.
        """
        if wanted is None or wanted == self.size:
            return self.size
        if isinstance(self.size, tuple):
            height, width = self.size
            raise ModelError(
                f"input_size: got {wanted}, and the network takes {width} x {height} only",
                help="leave input_size out",
            )
        return wanted


class OutputContract(_Strict):
    """What the network gives.

    Attributes:
        form: What the numbers mean. ``cxcywh_logits`` is a ``nets.predictions.Predictions``,
            ``objects`` a ``nets.objects.Objects``; ``class_logits`` is float
            ``[N, classes, H, W]``, ``embedding`` float ``[N, D]``; the others are explained
            in ``nets.output_forms``.
        names: Of the outputs, in the order of the form, where they come by name and are
            called otherwise than there.
        score_threshold: Least score of a detection where the caller says nothing.
        nms_threshold: Intersection over union above which two boxes of one class are one,
            where the caller says nothing.
    """

    form: Literal[
        "cxcywh_logits",
        "cxcywh_scores",
        "cxcywh_class_scores",
        "yolox_raw",
        "xyxy_batch",
        "xyxy_single",
        "xyxy_list",
        "objects",
        "class_logits",
        "embedding",
    ]
    names: Annotated[tuple[Text, ...], Strict(False)] | None = None
    score_threshold: Annotated[float, Field(ge=0, le=1)] = 0.1
    nms_threshold: Annotated[float, Field(ge=0, le=1)] = 0.65


class ModelCard(_Strict):
    """One model.

    Attributes:
        name: Also the name of its folder.
        folder: Where the card lies; not written in it.
        task: What the model is for.
        num_parameters: How many numbers it has learned; None where nobody counted.
        factory: ``package.module:function`` that builds the network from the weights file:
            ``function(weights: Path, *, num_classes: int) -> nn.Module``; for an embedding
            ``function(weights: Path) -> nn.Module`` with an attribute ``embedding_size``. None
            where the file is the network itself: ``.onnx``, ``.pt2`` (``torch.export``),
            ``.pt`` or ``.ts`` (TorchScript).
        licence: SPDX identifier of the weights' licence.
        weights: The file with the trained numbers.
        input: What the network wants.
        output: What it gives.
        labels: Class names in the order of the outputs; in the file, a list, or the
            name of a text file beside the card with one name a line.
    """

    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]+$")]
    folder: Path
    task: Task = "detection"
    num_parameters: Count | None = None
    factory: Annotated[str, StringConstraints(pattern=r"^[\w.]+:\w+$")] | None = None
    licence: Text
    weights: WeightsFile
    input: InputContract
    output: OutputContract
    labels: Annotated[tuple[Text, ...], Field(min_length=1), Strict(False)]

    def with_weights(self, file: Path) -> ModelCard:
        """Return the card with a weights file of the caller's own, of unknown checksum.

        Raises:
            ModelError: There is no such file.
        """
        file = file.expanduser().resolve()
        if not file.is_file():
            raise ModelError(f"model {self.name!r}, weights: there is no file {file}")
        weights = WeightsFile(file="own", origin="the caller")
        own = weights.model_copy(update={"file": file.name})  # a name with blanks will do
        return self.model_copy(update={"weights": own, "folder": file.parent})

    def class_indices(self, classes: Sequence[str | int] | None) -> tuple[int, ...] | None:
        """Return the class indices that ``classes`` names; see ``nets.labels``."""
        return class_indices(classes, self.labels, model=self.name)


def load_card(model: str | Path, *, tasks: Sequence[Task] = ()) -> ModelCard:
    """Read the card of a model, without its weights.

    Args:
        model: A name on the shelf, or the path of a model's folder.
        tasks: What the model may be for; empty for anything.

    Raises:
        ModelError: There is no such model, or it is for something else, or its card is wrong;
            names file and key.
    """
    file = find_model(model) / CARD_FILE
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ModelError(f"{file}: is no YAML file: {error}") from error
    if not isinstance(content, dict):
        raise ModelError(f"{file}: got {type(content).__name__}, want a mapping of keys")
    if "folder" in content:
        raise ModelError(f"{file}, $.folder: is no key of a model card")
    if isinstance(content.get("labels"), str):
        content["labels"] = _read_labels(file.parent / content["labels"], card=file)
    try:
        card = ModelCard.model_validate(content | {"folder": file.parent.resolve()})
    except ValidationError as error:
        raise _card_error(file, error) from error
    if card.name != card.folder.name:
        raise ModelError(
            f"{file}, $.name: got {card.name!r}, want {card.folder.name!r}",
            help="a model is called like its folder",
        )
    if tasks and card.task not in tasks:
        raise ModelError(
            f"model {str(model)!r}: got one for {card.task}, want one for {' or '.join(tasks)}",
            help="videoflow models list shows what each is for",
        )
    return card


def _read_labels(path: Path, *, card: Path) -> tuple[str, ...]:
    try:
        return tuple(path.read_text(encoding="utf-8").splitlines())
    except OSError as error:
        raise ModelError(
            f"{card}, $.labels: cannot read {path.name!r}: {error.strerror}",
            help="name a text file beside the card, one class name a line",
        ) from error


def _card_error(file: Path, error: ValidationError) -> ModelError:
    first: Any = error.errors(include_url=False)[0]
    key = ".".join(str(part) for part in first["loc"])
    kind, value = first["type"], first["input"]
    if kind == "missing":
        return ModelError(
            f"{file}, $.{key}: is missing", help="the shelf's cards have every key"
        )
    if kind == "extra_forbidden":
        return ModelError(f"{file}, $.{key}: is no key of a model card")
    want = first["msg"]
    for opening in ("Input should be ", "String should ", "Value error, "):
        want = want.removeprefix(opening)
    return ModelError(f"{file}, $.{key}: got {value!r} ({type(value).__name__}), want: {want}")
