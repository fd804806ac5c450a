"""From a weights file of torchvision to a network: what the model cards name."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn
from torchvision.models import get_model
from torchvision.models.detection import FasterRCNN

from videoflow.errors import ModelError
from videoflow.nets.folding import fold_batch_norms
from videoflow.nets.torchvision.dense import DenseNetwork
from videoflow.nets.torchvision.regions import RegionNetwork
from videoflow.nets.torchvision.semantic import SemanticNetwork

__all__ = ["load_torchvision", "make_batched"]


def load_torchvision(
    weights: Path, *, num_classes: int, model: str, frozen_eps: float | None = None
) -> nn.Module:
    """Build a network and fill it from a checkpoint.

    Args:
        weights: File of a ``state_dict``.
        num_classes: Length of the label list, the background included.
        model: Name of the model in torchvision.
        frozen_eps: For the batch normalisations of the backbone: some weights were trained
            where it was 0, and torchvision sets it after loading.

    Returns:
        The network on the CPU; see ``make_batched``.

    Raises:
        ModelError: The file is no checkpoint, does not fit, or has numbers that are none.
    """
    has_aux = model.startswith(("deeplabv3", "fcn"))
    options = {"aux_loss": True} if has_aux else {}
    network = get_model(
        model, weights=None, weights_backbone=None, num_classes=num_classes, **options
    )
    _fill(network, _read(weights), where=f"{weights}, for {model}")
    for module in network.modules():
        if frozen_eps is not None and isinstance(module, nn.BatchNorm2d):
            module.eps = frozen_eps
    return make_batched(network)


def make_batched(model: nn.Module) -> nn.Module:
    """Take a model of torchvision apart and put it together for batches.

    Args:
        model: With its weights; is changed.

    Returns:
        An ``ObjectsNetwork`` or a ``SemanticNetwork`` in evaluation mode, ``channels_last``,
        without gradients, batch normalisations folded.
    """
    model.requires_grad_(False).eval()
    fold_batch_norms(model)
    model.to(memory_format=torch.channels_last)
    if isinstance(model, FasterRCNN):
        return RegionNetwork(model).eval()
    if hasattr(model, "anchor_generator"):
        return DenseNetwork(model).eval()
    return SemanticNetwork(model).eval()


def _read(weights: Path) -> dict[str, Tensor]:
    try:
        state = torch.load(weights, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, LookupError, ValueError) as error:
        raise ModelError(
            f"{weights}: is no checkpoint of plain tensors: {error}",
            help="the card's factory reads what torch.save(model.state_dict(), file) writes",
        ) from error
    broken = [name for name, value in state.items() if not value.isfinite().all()]
    if broken:
        raise ModelError(
            f"{weights}: {broken[0]!r} and {len(broken) - 1} more hold numbers that are "
            "infinite or none, and nothing would be found with them",
            help="the training went wrong, or the file was damaged: take another checkpoint",
        )
    return cast("dict[str, Tensor]", state)


def _fill(network: nn.Module, state: dict[str, Tensor], *, where: str) -> None:
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise ModelError(
            f"{where}: {error}",
            help="the card's factory and labels must be those of the checkpoint",
        ) from error


Factory = Callable[..., nn.Module]
"""``factory(weights: Path, *, num_classes: int) -> nn.Module``: what a model card names."""


def _factory(model: str, *, frozen_eps: float | None = None) -> Factory:
    return partial(load_torchvision, model=model, frozen_eps=frozen_eps)


fasterrcnn_resnet50_fpn = _factory("fasterrcnn_resnet50_fpn", frozen_eps=0.0)
fasterrcnn_resnet50_fpn_v2 = _factory("fasterrcnn_resnet50_fpn_v2")
fasterrcnn_mobilenet_v3_large_fpn = _factory("fasterrcnn_mobilenet_v3_large_fpn")
fasterrcnn_mobilenet_v3_large_320_fpn = _factory("fasterrcnn_mobilenet_v3_large_320_fpn")
maskrcnn_resnet50_fpn = _factory("maskrcnn_resnet50_fpn", frozen_eps=0.0)
maskrcnn_resnet50_fpn_v2 = _factory("maskrcnn_resnet50_fpn_v2")
keypointrcnn_resnet50_fpn = _factory("keypointrcnn_resnet50_fpn", frozen_eps=0.0)
retinanet_resnet50_fpn = _factory("retinanet_resnet50_fpn", frozen_eps=0.0)
retinanet_resnet50_fpn_v2 = _factory("retinanet_resnet50_fpn_v2")
fcos_resnet50_fpn = _factory("fcos_resnet50_fpn")
ssd300_vgg16 = _factory("ssd300_vgg16")
ssdlite320_mobilenet_v3_large = _factory("ssdlite320_mobilenet_v3_large")
deeplabv3_resnet50 = _factory("deeplabv3_resnet50")
deeplabv3_resnet101 = _factory("deeplabv3_resnet101")
deeplabv3_mobilenet_v3_large = _factory("deeplabv3_mobilenet_v3_large")
fcn_resnet50 = _factory("fcn_resnet50")
fcn_resnet101 = _factory("fcn_resnet101")
lraspp_mobilenet_v3_large = _factory("lraspp_mobilenet_v3_large")
