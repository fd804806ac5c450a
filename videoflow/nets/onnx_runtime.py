"""The door to ONNX Runtime: the only file that imports it, and only when a file is opened.

What goes in and comes out are torch tensors on the network's own device: memory is handed over
by its address, and nothing passes through the host where the network is on a GPU.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import torch
from torch import Tensor
from torch.utils.dlpack import from_dlpack

from videoflow.errors import MissingDependencyError, ModelError, ShapeError

__all__ = ["OnnxNetwork", "TensorSpec", "load_onnx"]

_DTYPES: Final = {
    "tensor(float)": torch.float32,
    "tensor(float16)": torch.float16,
    "tensor(double)": torch.float64,
    "tensor(uint8)": torch.uint8,
    "tensor(int8)": torch.int8,
    "tensor(int16)": torch.int16,
    "tensor(int32)": torch.int32,
    "tensor(int64)": torch.int64,
    "tensor(bool)": torch.bool,
}
_PROVIDERS: Final = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """What a graph says about one of its inputs or outputs.

    Attributes:
        name: In the graph.
        shape: A number where the size is fixed, None where it is not.
        dtype: Of the elements.
    """

    name: str
    shape: tuple[int | None, ...]
    dtype: torch.dtype


class OnnxNetwork:
    """An ONNX graph that computes on one device; made by ``load_onnx``.

    The rows of a batch are the first dimension. A graph with a fixed number of rows is run as
    often as needed, and takes any number all the same: its last run is filled up with the last
    row, and what comes out of that is cut off.

    Attributes:
        device: Where it computes.
        inputs: What it wants, in the order of a call.
        outputs: What it gives, in the order of a call.
        batch_size: How many rows one run takes; None for any number.

    Raises:
        ModelError: An input or output that is no tensor of numbers.
    """

    def __init__(self, session: Any, *, name: str, device: torch.device) -> None:
        self._session = session
        self._name = name
        self.device = device
        self.inputs = tuple(_spec(argument, of=name) for argument in session.get_inputs())
        self.outputs = tuple(_spec(argument, of=name) for argument in session.get_outputs())
        first = self.inputs[0].shape if self.inputs else ()
        self.batch_size = first[0] if first else None

    def __call__(self, *tensors: Tensor) -> list[Tensor]:
        """Compute the outputs, in the order of the graph, and block until they are there.

        Args:
            *tensors: One for each input, on ``device``; one row or more. Where the graph has a
                fixed number of rows, an input without rows goes into every run as it is.

        Returns:
            Fresh tensors on ``device``.

        Raises:
            ShapeError: Tensors that the graph does not want; or more or less than
                ``batch_size`` rows where the outputs are not one for each row.
        """
        self._check(tensors)
        size = self.batch_size
        if size is None or len(tensors[0]) == size:
            return self._run(tensors)
        num_rows = len(tensors[0])
        parts = []
        for start in range(0, num_rows, size):
            rows = torch.arange(start, start + size, device=self.device).clamp_(
                max=num_rows - 1
            )
            part = self._run(
                [
                    tensor[rows] if self._has_rows(spec) else tensor
                    for spec, tensor in zip(self.inputs, tensors, strict=True)
                ]
            )
            self._check_rows(part)
            parts.append(part)
        return [torch.cat(same)[:num_rows] for same in zip(*parts, strict=True)]

    def _run(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        where = (self.device.type, self.device.index or 0)
        binding = self._session.io_binding()
        held = [tensor.detach().contiguous() for tensor in tensors]  # until the run is done
        for spec, tensor in zip(self.inputs, held, strict=True):
            element_type = torch.empty(0, dtype=spec.dtype).numpy().dtype
            shape = list(tensor.shape)
            binding.bind_input(spec.name, *where, element_type, shape, tensor.data_ptr())
        for spec in self.outputs:
            binding.bind_output(spec.name, *where)
        if self.device.type == "cuda":
            # The session has a stream of its own; it waits for that one before it returns.
            torch.cuda.current_stream(self.device).synchronize()
        self._session.run_with_iobinding(binding)
        return [from_dlpack(output) for output in binding.get_outputs()]

    def _has_rows(self, spec: TensorSpec) -> bool:
        return bool(spec.shape) and spec.shape[0] in (None, self.batch_size)

    def _check(self, tensors: Sequence[Tensor]) -> None:
        if len(tensors) != len(self.inputs):
            names = ", ".join(spec.name for spec in self.inputs)
            raise ShapeError(
                f"{self._name}: got {len(tensors)} tensors, want {len(self.inputs)} ({names})"
            )
        for spec, tensor in zip(self.inputs, tensors, strict=True):
            came = list(tensor.shape)
            want: list[int | str] = ["any" if size is None else size for size in spec.shape]
            if self._has_rows(spec):
                is_first = spec is self.inputs[0] or self.batch_size is None
                want[0] = "N >= 1" if is_first else len(tensors[0])
            is_fit = len(came) == len(want) and all(
                size == one if isinstance(one, int) else one == "any" or size > 0
                for size, one in zip(came, want, strict=True)
            )
            if not is_fit or tensor.dtype != spec.dtype or not self._is_here(tensor):
                raise ShapeError(
                    f"{self._name}, input {spec.name!r}: got {tensor.dtype} {came} on "
                    f"{tensor.device}, want {spec.dtype} [{', '.join(map(str, want))}] on "
                    f"{self.device}"
                )

    def _is_here(self, tensor: Tensor) -> bool:
        there, here = tensor.device, self.device
        return there.type == here.type and (there.index or 0) == (here.index or 0)

    def _check_rows(self, outputs: Sequence[Tensor]) -> None:
        for spec, output in zip(self.outputs, outputs, strict=True):
            if not output.dim() or len(output) != self.batch_size:
                raise ShapeError(
                    f"{self._name}, output {spec.name!r}: got {list(output.shape)} for "
                    f"{self.batch_size} rows, want one for each",
                    help=f"call it with {self.batch_size} rows at a time, or export the graph "
                    "for any number of rows",
                )


def load_onnx(file: Path, *, device: torch.device) -> OnnxNetwork:
    """Open an ONNX file for computing on ``device``, with as many threads as torch has.

    Args:
        file: Of any opset that the installed ONNX Runtime knows.
        device: ``cpu`` or ``cuda:N``; there is no way from the one to the other.

    Raises:
        MissingDependencyError: ONNX Runtime is not installed, or not the one for GPUs.
        ModelError: A file that ONNX Runtime does not take.
    """
    runtime = _import_runtime()
    provider = _PROVIDERS.get(device.type)
    if provider not in runtime.get_available_providers():
        raise MissingDependencyError(
            f"{file}: got device {device}, and this ONNX Runtime computes on "
            f"{', '.join(runtime.get_available_providers())}",
            help="device='cpu'; or for a GPU: pip uninstall onnxruntime, and "
            'pip install "videoflow[onnxruntime-gpu]"',
        )
    options = runtime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors; they come as exceptions too
    # Threads that wait in a loop take the processor from the other workers.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    chosen = (provider, {"device_id": device.index or 0} if device.type == "cuda" else {})
    try:
        session = runtime.InferenceSession(
            str(file), options, providers=[chosen], enable_fallback=0
        )
    except _refusals(runtime) as error:
        raise ModelError(f"{file}: ONNX Runtime does not take it: {error}") from error
    if session.get_providers()[0] != provider:
        raise MissingDependencyError(
            f"{file}: got device {device}, and ONNX Runtime cannot start its {provider}",
            help="its CUDA and cuDNN must be those that onnxruntime-gpu was built for; "
            "or device='cpu'",
        )
    return OnnxNetwork(session, name=file.name, device=device)


def _import_runtime() -> ModuleType:
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingDependencyError(
            f"ONNX files are run by ONNX Runtime, which cannot be imported: {error}",
            help='pip install "videoflow[onnxruntime]"',
        ) from error
    return onnxruntime  # type: ignore[no-any-return] # it has no types


def _refusals(runtime: ModuleType) -> tuple[type[Exception], ...]:
    """Return what it raises about a file; its errors have no class in common."""
    state = runtime.capi.onnxruntime_pybind11_state
    names = (
        "Fail",
        "InvalidArgument",
        "InvalidGraph",
        "InvalidProtobuf",
        "NoSuchFile",
        "NotImplemented",
        "RuntimeException",
    )
    return tuple(getattr(state, name) for name in names)


def _spec(argument: Any, *, of: str) -> TensorSpec:
    if argument.type not in _DTYPES:
        raise ModelError(
            f"{of}, {argument.name!r}: got {argument.type}, want one of {', '.join(_DTYPES)}"
        )
    shape = tuple(size if isinstance(size, int) else None for size in argument.shape)
    return TensorSpec(argument.name, shape, _DTYPES[argument.type])
