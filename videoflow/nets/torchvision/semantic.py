"""Networks that name the class of every pixel: DeepLabV3, FCN, LR-ASPP.

Source: Chen et al., *Rethinking Atrous Convolution*, arXiv:1706.05587; Long et al., *Fully
Convolutional Networks*, arXiv:1411.4038; Howard et al., *MobileNetV3*, arXiv:1905.02244.
"""

from __future__ import annotations

from torch import Tensor, nn

__all__ = ["SemanticNetwork"]


class SemanticNetwork(nn.Module):
    """A segmentation network without the classifier that only helped its training.

    Args:
        model: With its weights, in evaluation mode.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        setattr(model, "aux_classifier", None)  # noqa: B010 - the type knows modules only
        self.model = model

    def forward(self, images: Tensor) -> Tensor:
        """Return float ``[N, C, H, W]``, a logit for each class at each pixel of the input.

        Args:
            images: float ``[N, 3, H, W]``, as the card's contract says.
        """
        logits: Tensor = self.model(images)["out"]
        return logits
