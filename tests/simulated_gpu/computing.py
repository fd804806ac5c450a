"""Has torch compute on simulated GPUs with the CPU's code: by ``driver/computing.cpp``."""

from __future__ import annotations

import ctypes

import torch

from tests.simulated_gpu.build import COMPUTING

__all__ = ["compute_on_the_host"]


def compute_on_the_host() -> None:
    """Replace what torch would launch kernels for, in this process."""
    torch.backends.cudnn.enabled = False
    ctypes.CDLL(COMPUTING).compute_on_the_host()
