"""Files that are a network, and not only its numbers: ONNX, ``torch.export``, TorchScript.

They are run as they are. What they want and give is told by the card beside them.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

import torch
from torch import Tensor
from torch.export.passes import move_to_device_pass

from videoflow.errors import ModelError

__all__ = ["FILE_ENDINGS", "FileNetwork", "load_network_file"]


class FileNetwork(NamedTuple):
    """A network out of a file.

    Attributes:
        run: From ``[N, 3, H, W]`` on its device to its outputs, by name or in their order.
        dtype: Floating point type of its input.
        batch_size: How many pictures a call takes; None for any number.
        input_hw: The only height and width it takes; None for others too.
    """

    run: Callable[[Tensor], Any]
    dtype: torch.dtype
    batch_size: int | None = None
    input_hw: tuple[int, int] | None = None


def load_network_file(file: Path, *, device: torch.device) -> FileNetwork:
    """Load a network onto ``device``.

    Args:
        file: Its ending, one of ``FILE_ENDINGS``, says of which kind it is.
        device: Where it computes.

    Raises:
        ModelError: Another ending, or a file that is not of its kind.
        MissingDependencyError: An ONNX file, and no ONNX Runtime for the device.
    """
    if file.suffix not in _LOADERS:
        raise ModelError(
            f"{file}: got the ending {file.suffix!r}, want one of {', '.join(FILE_ENDINGS)}",
            help="a file that holds only the numbers of a network wants a factory in the card",
        )
    return _LOADERS[file.suffix](file, device)


def _load_onnx(file: Path, device: torch.device) -> FileNetwork:
    from videoflow.nets.onnx_runtime import load_onnx  # optional

    network = load_onnx(file, device=device)
    if len(network.inputs) != 1 or len(network.inputs[0].shape) != 4:
        wanted = ", ".join(f"{spec.name} {list(spec.shape)}" for spec in network.inputs)
        raise ModelError(f"{file}: wants {wanted}; a detector has one input [N, 3, H, W]")
    names = [spec.name for spec in network.outputs]
    _, _, height, width = network.inputs[0].shape

    def run(images: Tensor) -> dict[str, Tensor]:
        return dict(zip(names, network(images), strict=True))

    # A fixed number of rows is the door's own affair, where the outputs have rows.
    input_hw = (height, width) if height and width else None
    return FileNetwork(run, network.inputs[0].dtype, input_hw=input_hw)


def _load_exported(file: Path, device: torch.device) -> FileNetwork:
    try:
        program = torch.export.load(file)
    except Exception as error:
        raise _is_none(file, "torch.export", error) from error
    (image,) = _image_inputs(program, file)
    program = move_to_device_pass(program, device)
    num_rows, _, height, width = (
        size if isinstance(size, int) else None for size in image.shape
    )
    if num_rows not in (None, 1):
        raise ModelError(
            f"{file}: takes {num_rows} pictures a call, want any number or one",
            help="export it with a dynamic first dimension",
        )
    input_hw = (height, width) if height and width else None
    return FileNetwork(program.module(), image.dtype, num_rows, input_hw)


def _image_inputs(program: torch.export.ExportedProgram, file: Path) -> list[Tensor]:
    wanted = program.graph_signature.user_inputs
    found = [node.meta["val"] for node in program.graph.nodes if node.name in wanted]
    if len(found) != 1 or not isinstance(found[0], Tensor) or found[0].dim() != 4:
        raise ModelError(
            f"{file}: got the inputs {', '.join(map(str, wanted))}, want one [N, 3, H, W]"
        )
    return found


def _load_script(file: Path, device: torch.device) -> FileNetwork:
    try:
        with warnings.catch_warnings():
            for kind in (DeprecationWarning, FutureWarning):  # such files live on
                warnings.simplefilter("ignore", kind)
            network = torch.jit.load(file, map_location=device).eval()  # type: ignore[no-untyped-call] # torch's
    except (RuntimeError, ValueError) as error:
        raise _is_none(file, "TorchScript", error) from error
    first = next(network.parameters(), None)
    return FileNetwork(network, torch.float32 if first is None else first.dtype)


def _is_none(file: Path, kind: str, error: Exception) -> ModelError:
    why = str(error).strip().splitlines()
    return ModelError(
        f"{file}: is no {kind} file: {why[0] if why else type(error).__name__}",
        help="numbers without a network (a state_dict) want a factory in the card",
    )


_LOADERS: Final = {
    ".onnx": _load_onnx,
    ".pt2": _load_exported,
    ".pt": _load_script,
    ".ts": _load_script,
}
FILE_ENDINGS: Final = tuple(_LOADERS)
"""Of the files that are networks by themselves."""
