"""Lets torch compute on simulated GPUs, whose memory is the host's, with the CPU's code.

A kernel on a GPU is ordered by its stream. Here the thread waits for its current stream and
computes at once: what other streams have not done yet, the computation does not see.
"""

from __future__ import annotations

import ctypes
import warnings
from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves, tree_map

_NAMESPACES = ("aten", "torchvision")

# What makes or looks at tensors, or copies by the runtime's own calls: torch's code is right.
_TORCHS_OWN = frozenset(
    {
        "_efficientzerotensor",
        "_local_scalar_dense",
        "_reshape_alias",
        "as_strided",
        "cudnn_is_acceptable",
        "empty.memory_format",
        "empty_strided",
        "is_set_to",
        "record_stream",
        "resize_",
        "set_",
        "set_.source_Storage",
        "set_.source_Storage_storage_offset",
        "set_.source_Tensor",
        "unfold",
        "view",
        "view_as_complex",
        "view_as_real",
    }
)

_libraries: list[Any] = []  # an override lasts as long as its library


def compute_on_the_host() -> None:
    """Replace what torch would launch kernels for, in this process."""
    torch.backends.cudnn.enabled = False
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Warning only once for all operators")  # torch 2.11
        _replace_kernels()


def _replace_kernels() -> None:
    for namespace in _NAMESPACES:
        library: Any = torch.library.Library(namespace, "IMPL", "CUDA")  # type: ignore[no-untyped-call] # torch's
        _libraries.append(library)
        for name in _kernels(namespace):
            if name not in _TORCHS_OWN:
                library.impl(name, _on_the_host(_find(namespace, name)), allow_override=True)
    aten = _libraries[0]
    aten.impl("copy_", _copy, allow_override=True)
    # torch chooses a library for CUDA below this one; the CPU's code has its own below it, too
    aten.impl("convolution", _on_the_host(torch.ops.aten.convolution.default))


def _kernels(namespace: str) -> list[str]:
    found = torch._C._dispatch_get_registrations_for_dispatch_key("CUDA")
    prefix = f"{namespace}::"
    return sorted(name.removeprefix(prefix) for name in found if name.startswith(prefix))


def _find(namespace: str, name: str) -> Any:
    packet, _, overload = name.partition(".")
    return getattr(getattr(getattr(torch.ops, namespace), packet), overload or "default")


def _on_the_host(operator: Any) -> Callable[..., Any]:
    """Return what calls an operator with host tensors over the same memory."""
    arguments = operator._schema.arguments
    wants = [n for n, argument in enumerate(arguments) if str(argument.type) == "Tensor"]

    def run(*args: Any, **kwargs: Any) -> Any:
        given = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        device = next(tensor.device for tensor in given if tensor.is_cuda)
        if _driver().simulated_is_in_another_context():  # without torch's streams and memory
            raise RuntimeError(f"CUDA error: invalid resource handle: {operator}")
        torch.cuda.current_stream(device).synchronize()
        hosts = {id(tensor): _host_view(tensor) for tensor in given}
        args, kwargs = tree_map(
            lambda leaf: hosts[id(leaf)] if isinstance(leaf, Tensor) else leaf, (args, kwargs)
        )
        # torch hands a number that it has wrapped in a tensor over as the number
        is_number = any(isinstance(args[n], int | float | bool) for n in wants if n < len(args))
        result = (operator.overloadpacket if is_number else operator)(*args, **kwargs)
        owners = {id(hosts[id(tensor)]): tensor for tensor in given}
        return tree_map(lambda leaf: _on_device(leaf, owners, device), result)

    return run


def _host_view(tensor: Tensor) -> Tensor:
    """Return a tensor of the host over the memory of one of a simulated GPU."""
    if not tensor.is_cuda:
        return tensor
    storage = tensor.untyped_storage()
    if storage.nbytes() == 0:
        return torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype)
    memory = (ctypes.c_char * storage.nbytes()).from_address(storage.data_ptr())
    whole = torch.frombuffer(memory, dtype=torch.uint8).untyped_storage()
    view = torch.empty(0, dtype=tensor.dtype)
    return view.set_(whole, tensor.storage_offset(), tensor.shape, tensor.stride())


def _on_device(leaf: Any, owners: dict[int, Tensor], device: torch.device) -> Any:
    """Return a result as a tensor of the GPU: an argument itself, or a new one."""
    if not isinstance(leaf, Tensor):
        return leaf
    owner = owners.get(id(leaf))
    if owner is None:
        owner = torch.empty_strided(leaf.shape, leaf.stride(), dtype=leaf.dtype, device=device)
    elif owner.shape != leaf.shape:  # an empty "out" that the operator has made larger
        owner.resize_(leaf.shape)
    else:
        return owner  # written where it lies
    if leaf.numel():
        _host_view(owner).copy_(leaf)
    return owner


def _copy(target: Tensor, source: Tensor, non_blocking: bool = False) -> Tensor:
    """Copy as torch does: by the runtime where the memory is alike, else by computing."""
    if target.numel() == 0 or source.numel() == 0:
        return target
    if not target.is_cuda and not source.is_cuda:
        raise AssertionError("no simulated GPU has a part in this copy")
    if _is_alike(target, source):
        _copy_bytes(target, source, is_async=non_blocking)
    elif target.is_cuda and source.is_cuda:
        _run_on_device(target, source)
    elif target.is_cuda:
        like = torch.empty_strided(target.shape, target.stride(), dtype=target.dtype)
        if _is_dense(like):
            _copy_bytes(target, like.copy_(source), is_async=False)
        else:
            _run_on_device(target, source.to(target.device))
    else:
        packed = source.to(target.dtype).contiguous()
        host = torch.empty(packed.shape, dtype=packed.dtype)
        _copy_bytes(host, packed, is_async=False)
        target.copy_(host)
    return target


def _run_on_device(target: Tensor, source: Tensor) -> None:
    for device in {target.device, source.device}:
        torch.cuda.current_stream(device).synchronize()
    _host_view(target).copy_(_host_view(source))


def _is_alike(one: Tensor, other: Tensor) -> bool:
    return (
        one.dtype == other.dtype
        and one.shape == other.shape
        and one.stride() == other.stride()
        and _is_dense(one)
    )


def _is_dense(tensor: Tensor) -> bool:
    step = 1
    for stride, size in sorted(zip(tensor.stride(), tensor.shape, strict=True)):
        if size != 1 and stride != step:
            return False
        step *= size
    return True


def _copy_bytes(target: Tensor, source: Tensor, *, is_async: bool) -> None:
    gpu = source if source.is_cuda else target
    with torch.cuda.device(gpu.device):
        stream = torch.cuda.current_stream()
        other = torch.cuda.current_stream(target.device) if target.is_cuda else stream
        if other != stream:  # from GPU to GPU: on the source's, and both wait for each other
            stream.wait_stream(other)
        status = _runtime().cudaMemcpyAsync(
            ctypes.c_void_p(target.data_ptr()),
            ctypes.c_void_p(source.data_ptr()),
            ctypes.c_size_t(target.numel() * target.element_size()),
            4,  # cudaMemcpyDefault
            ctypes.c_void_p(stream.cuda_stream),
        )
        assert status == 0
        if other != stream:
            other.wait_stream(stream)
        if not is_async and not (target.is_cuda and source.is_cuda):
            stream.synchronize()


@cache
def _driver() -> ctypes.CDLL:
    return ctypes.CDLL("libcuda.so.1")


@cache
def _runtime() -> ctypes.CDLL:
    return ctypes.CDLL("libcudart.so.13")
