"""YOLOX as its authors' code has it: names, normalisation and focus, nothing folded.

Written from the paper and from the names in their checkpoints, to compare with. Short names
are theirs, because a checkpoint is made of them.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Conv(nn.Module):
    """A convolution, its normalisation, a SiLU."""

    def __init__(
        self, num_in: int, num_out: int, kernel: int = 1, stride: int = 1, groups: int = 1
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            num_in, num_out, kernel, stride, kernel // 2, groups=groups, bias=False
        )
        self.bn = nn.BatchNorm2d(num_out, eps=1e-3, momentum=1.0)

    def forward(self, x: Tensor) -> Tensor:
        return F.silu(self.bn(self.conv(x)))


class Depthwise(nn.Module):
    def __init__(self, num_in: int, num_out: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.dconv = Conv(num_in, num_in, kernel, stride, groups=num_in)
        self.pconv = Conv(num_in, num_out)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.pconv(self.dconv(x))
        return y


class Bottleneck(nn.Module):
    def __init__(self, channels: int, spatial: type[Conv | Depthwise], adds: bool) -> None:
        super().__init__()
        self.conv1 = Conv(channels, channels)
        self.conv2 = spatial(channels, channels, 3)
        self.adds = adds

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv2(self.conv1(x))
        return x + y if self.adds else y


class Csp(nn.Module):
    def __init__(
        self, num_in: int, num_out: int, n: int, spatial: type[Conv | Depthwise], adds: bool
    ) -> None:
        super().__init__()
        half = num_out // 2
        self.conv1 = Conv(num_in, half)
        self.conv2 = Conv(num_in, half)
        self.conv3 = Conv(2 * half, num_out)
        self.m = nn.Sequential(*(Bottleneck(half, spatial, adds) for _ in range(n)))

    def forward(self, x: Tensor) -> Tensor:
        through, around = self.conv1(x), self.conv2(x)  # an export keeps this order
        y: Tensor = self.conv3(torch.cat((self.m(through), around), dim=1))
        return y


class Pooling(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = Conv(channels, channels // 2)
        self.conv2 = Conv(channels * 2, channels)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(x)
        pools = [F.max_pool2d(x, size, 1, size // 2) for size in (5, 9, 13)]
        y: Tensor = self.conv2(torch.cat((x, *pools), dim=1))
        return y


class Focus(nn.Module):
    def __init__(self, num_out: int) -> None:
        super().__init__()
        self.conv = Conv(12, num_out, 3)

    def forward(self, x: Tensor) -> Tensor:
        corners = [x[..., dy::2, dx::2] for dx in (0, 1) for dy in (0, 1)]
        y: Tensor = self.conv(torch.cat(corners, dim=1))
        return y


class Darknet(nn.Module):
    def __init__(self, depth: float, width: float, spatial: type[Conv | Depthwise]) -> None:
        super().__init__()
        c = int(64 * width)
        n = max(round(3 * depth), 1)
        self.stem = Focus(c)
        self.dark2 = nn.Sequential(spatial(c, 2 * c, 3, 2), Csp(2 * c, 2 * c, n, spatial, True))
        self.dark3 = nn.Sequential(
            spatial(2 * c, 4 * c, 3, 2), Csp(4 * c, 4 * c, 3 * n, spatial, True)
        )
        self.dark4 = nn.Sequential(
            spatial(4 * c, 8 * c, 3, 2), Csp(8 * c, 8 * c, 3 * n, spatial, True)
        )
        self.dark5 = nn.Sequential(
            spatial(8 * c, 16 * c, 3, 2),
            Pooling(16 * c),
            Csp(16 * c, 16 * c, n, spatial, False),
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        fine = self.dark3(self.dark2(self.stem(x)))
        middle = self.dark4(fine)
        return fine, middle, self.dark5(middle)


class Pyramid(nn.Module):
    def __init__(self, depth: float, width: float, spatial: type[Conv | Depthwise]) -> None:
        super().__init__()
        a, b, c = (int(channels * width) for channels in (256, 512, 1024))
        n = round(3 * depth)
        self.backbone = Darknet(depth, width, spatial)
        self.lateral_conv0 = Conv(c, b)
        self.C3_p4 = Csp(2 * b, b, n, spatial, False)
        self.reduce_conv1 = Conv(b, a)
        self.C3_p3 = Csp(2 * a, a, n, spatial, False)
        self.bu_conv2 = spatial(a, a, 3, 2)
        self.C3_n3 = Csp(2 * a, b, n, spatial, False)
        self.bu_conv1 = spatial(b, b, 3, 2)
        self.C3_n4 = Csp(2 * b, c, n, spatial, False)

    def forward(self, x: Tensor) -> list[Tensor]:
        x2, x1, x0 = self.backbone(x)
        top = self.lateral_conv0(x0)
        middle = self.reduce_conv1(self.C3_p4(torch.cat((_double(top), x1), 1)))
        out2 = self.C3_p3(torch.cat((_double(middle), x2), 1))
        out1 = self.C3_n3(torch.cat((self.bu_conv2(out2), middle), 1))
        return [out2, out1, self.C3_n4(torch.cat((self.bu_conv1(out1), top), 1))]


def _double(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="nearest")


class Head(nn.Module):
    def __init__(self, width: float, spatial: type[Conv | Depthwise], num_classes: int) -> None:
        super().__init__()
        c = int(256 * width)

        def branch() -> nn.Sequential:
            return nn.Sequential(spatial(c, c, 3), spatial(c, c, 3))

        self.cls_convs = nn.ModuleList(branch() for _ in range(3))
        self.reg_convs = nn.ModuleList(branch() for _ in range(3))
        self.cls_preds = nn.ModuleList(nn.Conv2d(c, num_classes, 1) for _ in range(3))
        self.reg_preds = nn.ModuleList(nn.Conv2d(c, 4, 1) for _ in range(3))
        self.obj_preds = nn.ModuleList(nn.Conv2d(c, 1, 1) for _ in range(3))
        self.stems = nn.ModuleList(
            Conv(int(channels * width), c) for channels in (256, 512, 1024)
        )

    def forward(self, levels: list[Tensor]) -> Tensor:
        found = []
        for k, level in enumerate(levels):
            x = self.stems[k](level)
            classes = self.cls_preds[k](self.cls_convs[k](x))
            y = self.reg_convs[k](x)
            boxes, objectness = self.reg_preds[k](y), self.obj_preds[k](y)
            found.append(torch.cat((boxes, objectness, classes), dim=1).flatten(2))
        return torch.cat(found, dim=2).transpose(1, 2)


class ReferenceYoloX(nn.Module):
    """From BGR pixels, 0 to 255, to ``[N, A, 5 + C]``: raw boxes, then logits."""

    def __init__(
        self, depth: float, width: float, is_depthwise: bool, *, num_classes: int
    ) -> None:
        super().__init__()
        spatial: type[Conv | Depthwise] = Depthwise if is_depthwise else Conv
        self.backbone = Pyramid(depth, width, spatial)
        self.head = Head(width, spatial, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.head(self.backbone(x))
        return y


def make_reference(
    depth: float, width: float, is_depthwise: bool, *, num_classes: int
) -> ReferenceYoloX:
    """Return a network whose normalisations all do something, and whose outputs vary."""
    torch.manual_seed(0)
    network = ReferenceYoloX(depth, width, is_depthwise, num_classes=num_classes)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.2)
    with torch.inference_mode():
        network(torch.rand(4, 3, 128, 160) * 255)  # momentum 1: mean and variance are of this
    return network.eval().requires_grad_(False)
