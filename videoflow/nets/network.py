"""From a model to its network on a device, and what is known about the network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn

from videoflow.errors import ModelError
from videoflow.nets.builder import find_function
from videoflow.nets.card import InputContract, ModelCard, OutputContract
from videoflow.nets.network_files import load_network_file

__all__ = ["Network", "described_network", "load_network"]


class Network(NamedTuple):
    """A network on its device, and what its card or its own attributes say about it.

    Attributes:
        name: Of the model, for messages.
        run: From inputs as ``input`` says to outputs as ``output`` says; in evaluation mode.
        labels: Class names, in the order of the outputs.
        input: What it wants.
        output: What it gives.
        dtype: Floating point type of its inputs.
        batch_size: How many pictures a call takes, at most; None for any number.
    """

    name: str
    run: Callable[..., Any]
    labels: tuple[str, ...]
    input: InputContract
    output: OutputContract
    dtype: torch.dtype
    batch_size: int | None = None


def load_network(
    card: ModelCard, weights: Path, *, device: torch.device, dtype: torch.dtype
) -> Network:
    """Build the network that a card describes.

    Args:
        card: Names the factory, or has none for a file that is a network itself.
        weights: The card's file, checked.
        device: Where the network computes.
        dtype: What it computes in; a file is what it was exported as.

    Raises:
        ModelError: The factory is not there, or the file is not what the card says.
        MissingDependencyError: An ONNX file, and no ONNX Runtime for the device.
    """
    if card.factory is None:
        return _from_file(card, weights, device=device, dtype=dtype)
    build = find_function(card.factory, where=f"model {card.name!r}, $.factory")
    network = build(weights, num_classes=len(card.labels)).to(device=device, dtype=dtype)
    return Network(card.name, network, card.labels, card.input, card.output, dtype)


def _from_file(
    card: ModelCard, file: Path, *, device: torch.device, dtype: torch.dtype
) -> Network:
    found = load_network_file(file, device=device)
    if dtype not in (found.dtype, torch.float32):
        raise ModelError(
            f"model {card.name!r}: got the precision {dtype} for {file.name}, which was "
            f"exported in {found.dtype}",
            help="leave precision out, or export the network in that format",
        )
    if found.input_hw is not None and found.input_hw != card.input.size:
        raise ModelError(
            f"model {card.name!r}, $.input.size: got {card.input.size}, and {file.name} takes "
            f"{list(found.input_hw)} only",
            help="write [height, width] into the card",
        )
    return Network(
        *(card.name, found.run, card.labels, card.input, card.output),
        dtype=found.dtype,
        batch_size=found.batch_size,
    )


def described_network(
    network: nn.Module, *, name: str, device: torch.device, dtype: torch.dtype
) -> Network:
    """Take a network that says itself what it wants and gives.

    Args:
        network: With the attributes ``labels``, ``input`` and ``output``.
        name: Of the function that built it.
        device: Where it is put.
        dtype: What it computes in.

    Raises:
        ModelError: An attribute that is not there, or something else.
    """
    described: Any = network
    for key, kind in (("input", InputContract), ("output", OutputContract)):
        if not isinstance(getattr(network, key, None), kind):
            came = type(getattr(network, key, None)).__name__
            raise ModelError(
                f"model {name!r}: built a network whose {key!r} is {came}, "
                f"want {kind.__name__} (videoflow.nets.card)"
            )
    labels = getattr(network, "labels", None)
    if not labels or isinstance(labels, str):
        raise ModelError(
            f"model {name!r}: built a network whose 'labels' are {labels!r}, want class names"
        )
    placed = network.eval().requires_grad_(False).to(device=device, dtype=dtype)
    return Network(name, placed, tuple(labels), described.input, described.output, dtype)
