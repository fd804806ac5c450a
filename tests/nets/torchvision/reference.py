"""Models of torchvision with seeded weights that find something, to compare with."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models import get_model

from videoflow.data import Frame, Stamp
from videoflow.nets.card import InputContract

# Of the outputs of last layers: mean and spread, so that boxes move, and scores differ.
OUTPUTS = {
    r"rpn\.head\.cls_logits": (0.0, 2.0),
    r"rpn\.head\.bbox_pred": (0.0, 0.1),
    r"box_predictor\.cls_score": (0.0, 2.0),
    r"box_predictor\.bbox_pred": (0.0, 0.5),
    r"mask_fcn_logits": (0.0, 2.0),
    r"kps_score_lowres": (0.0, 2.0),
    r"classification_head\.cls_logits": (-3.0, 1.5),
    r"regression_head\.bbox_reg": (0.5, 0.4),
    r"bbox_ctrness": (0.0, 0.5),
    r"classification_head\.module_list\.\d+(\.1)?": (0.0, 1.0),
    r"regression_head\.module_list\.\d+(\.1)?": (0.0, 0.5),
    r"classifier\.4|(low|high)_classifier": (0.0, 0.5),
}


class Painter:
    """Makes smooth pictures, each another.

    Args:
        seed: The same seed gives the same pictures.
    """

    def __init__(self, seed: int) -> None:
        self._source = torch.Generator().manual_seed(seed)

    def __call__(self, height: int, width: int) -> Tensor:
        """Return uint8 ``[3, height, width]``."""
        coarse = torch.rand(1, 3, height // 8 + 1, width // 8 + 1, generator=self._source)
        smooth = F.interpolate(coarse, (height, width), mode="bicubic")[0]
        return (smooth.clamp(0, 1) * 255).round().to(torch.uint8)


def build_reference(
    name: str, *, num_pictures: int, fixed_size: int | None = None, **options: Any
) -> nn.Module:
    """Return the model with weights whose outputs are as wide as those of trained ones.

    Args:
        name: In torchvision.
        num_pictures: To look at for the spread of the outputs. Where levels have one place
            only, few pictures say little about it.
        fixed_size: In place of the model's own, in pixels.
        **options: Of the model.
    """
    torch.manual_seed(3)
    paint = Painter(seed=1)
    pictures = [paint(120, 160).float() / 255 for _ in range(num_pictures)]
    model: Any = get_model(name, weights=None, weights_backbone=None, **options)
    model.requires_grad_(False).eval()
    if fixed_size is not None:
        model.transform.fixed_size = (fixed_size, fixed_size)
    _settle_norms(model, pictures)
    widened = [
        module.register_forward_hook(_Widen(mean, spread))
        for path, module in model.named_modules()
        for pattern, (mean, spread) in OUTPUTS.items()
        if re.search(rf"({pattern})$", path) and hasattr(module, "weight")
    ]
    _look_at(model, pictures)
    for hook in widened:
        hook.remove()
    built: nn.Module = model
    return built


def _look_at(model: nn.Module, pictures: Sequence[Tensor]) -> None:
    has_transform = hasattr(model, "transform")
    model(list(pictures) if has_transform else torch.stack(list(pictures)))


def _settle_norms(model: nn.Module, pictures: Sequence[Tensor]) -> None:
    """Let the batch normalisations learn their means and spreads, as training would."""
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        nn.init.uniform_(norm.weight, 0.5, 1.0)
        nn.init.normal_(norm.bias, 0, 0.2)
        norm.momentum = 1.0
        norm.train()
    _look_at(model, pictures)
    model.eval()


class _Widen:
    """A hook that scales a layer when it is first called."""

    def __init__(self, mean: float, spread: float) -> None:
        self.mean = mean
        self.spread = spread
        self.is_done = False

    def __call__(self, layer: Any, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        if not self.is_done and output.numel() > 1:
            layer.weight.mul_(self.spread / output.std())
            nn.init.normal_(layer.bias, self.mean, 0.1)
            self.is_done = True
        result: Tensor = layer.forward(*inputs)
        return result


def contract_of(model: nn.Module) -> InputContract:
    """Return the contract that says what ``model.transform`` does."""
    rule: Any = model.transform
    common: dict[str, Any] = {
        "channels": "rgb",
        "mean": tuple(rule.image_mean),
        "std": tuple(rule.image_std),
        "stride": rule.size_divisible,
        "pad_value": 0,
    }
    if rule.fixed_size is not None:
        return InputContract(fit="stretch", size=rule.fixed_size[0], **common)
    return InputContract(
        fit="short_side", size=rule.min_size[-1], max_size=rule.max_size, **common
    )


def frames_of(pictures: Sequence[Tensor]) -> list[Frame]:
    """Return a frame of each picture, uint8 ``[3, H, W]``."""
    return [
        Frame(p, Stamp("door", at, 0.0, (p.shape[1], p.shape[2])), "rgb")
        for at, p in enumerate(pictures)
    ]
