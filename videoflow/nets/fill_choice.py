"""Which way NV12 frames become a network's input on a GPU: found by trying both."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import torch
from torch import Tensor

from videoflow.data.frame import Frame, Stamp
from videoflow.nets.card import InputContract
from videoflow.nets.preprocess import Fill, fill_plain, make_inputs

__all__ = ["choose_fill"]

_TRIAL_HW: Final = (1080, 1920)
_NUM_FRAMES: Final = 8
_NUM_TRIALS: Final = 5
_MAX_LEVELS: Final = 1.0
"""How far the two may differ, in levels of 0 to 255: half precision alone takes a part."""


def choose_fill(  # noqa: PLR0913 - what an input is made by, and the clock
    contract: InputContract,
    *,
    input_size: int | tuple[int, int],
    device: torch.device,
    dtype: torch.dtype,
    report: Callable[[str], None],
    seconds_of: Callable[[Callable[[], object]], float] | None = None,
    load_fused: Callable[[], Fill] | None = None,
) -> Fill:
    """Return the faster of the two ways whose results are the same; plain on a CPU.

    Args:
        contract: What the network wants.
        input_size: In place of the contract's ``size``, in pixels.
        device: Where inputs are made.
        dtype: Floating point type of the inputs.
        report: Hears which way was taken, and why; nothing where there is no choice.
        seconds_of: Measures a call on the device.
        load_fused: Loads the kernel.
    """
    if load_fused is None:
        if device.type != "cuda" or importlib.util.find_spec("triton") is None:
            return fill_plain
        load_fused = _load_fused
    clock = seconds_of or _CudaClock(device)
    random = torch.Generator().manual_seed(0)
    height, width = _TRIAL_HW
    pixels = torch.randint(
        256, (height * 3 // 2, width), dtype=torch.uint8, generator=random
    ).to(device)
    frames = [Frame(pixels, Stamp("trial", 0, 0.0, _TRIAL_HW))] * _NUM_FRAMES

    def inputs(fill: Fill) -> Tensor:
        (batch,) = make_inputs(
            frames,
            contract=contract,
            input_size=input_size,
            device=device,
            dtype=dtype,
            fill=fill,
        )
        return batch.images.float()

    try:
        fused = load_fused()
        levels = float((inputs(fused) - inputs(fill_plain)).abs().max()) * _levels(contract)
    except Exception as error:  # Triton's errors have no class in common
        report(f"frames are converted by torch: the kernel for it fails: {error}")
        return fill_plain
    if not levels <= _MAX_LEVELS:  # also where it is no number
        report(f"frames are converted by torch: the kernel's levels are {levels:.2f} off")
        return fill_plain
    ways: Sequence[tuple[str, Fill]] = (("torch", fill_plain), ("one kernel", fused))
    times = [min(clock(partial(inputs, fill)) for _ in range(_NUM_TRIALS)) for _, fill in ways]
    name, fill = ways[times[1] < times[0]]
    report(
        f"frames are converted by {name}: {_NUM_FRAMES} take {times[0] * 1e6:.0f} us by torch "
        f"and {times[1] * 1e6:.0f} us by one kernel"
    )
    return fill


def _load_fused() -> Fill:
    from videoflow.nets.nv12_kernel import fill_fused  # Triton: only where it is

    return fill_fused


def _levels(contract: InputContract) -> float:
    """Return how many levels a difference of 1 in the input is, at most."""
    return 1.0 if contract.mean is None else 255 * max(contract.std)


class _CudaClock:
    """Measures what a call takes on a GPU, in seconds."""

    def __init__(self, device: torch.device) -> None:
        self._device = device

    def __call__(self, call: Callable[[], object]) -> float:
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call] # torch's
        stream = torch.cuda.current_stream(self._device)
        begin.record(stream)
        call()
        end.record(stream)
        end.synchronize()
        return float(begin.elapsed_time(end)) / 1e3
