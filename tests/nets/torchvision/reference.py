"""Models of torchvision with seeded weights that find something, to compare with."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models import get_model

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
    r"classification_head\.module_list\.\d+(\.1)?": (0.0, 2.0),
    r"regression_head\.module_list\.\d+(\.1)?": (0.0, 0.5),
    r"classifier\.4|(low|high)_classifier": (0.0, 0.5),
}


def build_reference(
    name: str, *, seed: int, pictures: Sequence[Tensor], **options: Any
) -> nn.Module:
    """Return the model with weights whose outputs are as wide as those of trained ones.

    Args:
        name: In torchvision.
        seed: Of the weights.
        pictures: float ``[3, H, W]`` each, 0 to 1, equal sizes; what the outputs are made
            wide on.
        **options: Of the model.
    """
    torch.manual_seed(seed)
    model: nn.Module = get_model(name, weights=None, weights_backbone=None, **options)
    model.eval()
    hooks = []
    for path, module in model.named_modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.0)
            nn.init.normal_(module.bias, 0, 0.2)
            module.momentum = 1.0
            module.train()
        for pattern, (mean, spread) in OUTPUTS.items():
            if re.search(rf"({pattern})$", path) and hasattr(module, "weight"):
                hooks.append(module.register_forward_hook(_Widen(mean, spread)))
    with torch.no_grad():
        model(list(pictures) if hasattr(model, "transform") else torch.stack(list(pictures)))
    for hook in hooks:
        hook.remove()
    model.eval().requires_grad_(False)
    return model


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
