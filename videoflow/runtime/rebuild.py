"""Arrays and tensors out of raw memory, and where their memory lies."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numpy.lib.array_utils import byte_bounds

__all__ = [
    "ArrayLayout",
    "array_bounds",
    "as_array",
    "is_tensor",
    "rebuild_array",
    "rebuild_device_tensor",
    "rebuild_lent_tensor",
    "rebuild_tensor",
    "tensor_bounds",
]

ArrayLayout = tuple[tuple[int, ...], tuple[int, ...], int]
"""Shape, strides in bytes, offset of the first element in bytes."""


def is_tensor(obj: Any) -> bool:
    """Say whether ``obj`` is a plain torch tensor, without importing torch."""
    kind = type(obj)
    return kind.__module__ == "torch" and kind.__name__ == "Tensor"


def array_bounds(array: np.ndarray[Any, Any]) -> tuple[int, int]:
    """Return the addresses of an array's first byte and of the one past its last."""
    if array.flags.c_contiguous:
        low: int = array.__array_interface__["data"][0]
        return low, low + array.nbytes
    return byte_bounds(array)


def tensor_bounds(tensor: Any) -> tuple[int, int]:
    """Return the same for a tensor of any device."""
    low = tensor.data_ptr()
    if not tensor.numel():
        return low, low
    steps = zip(tensor.shape, tensor.stride(), strict=True)
    return low, low + (1 + sum((n - 1) * step for n, step in steps)) * tensor.element_size()


def as_array(tensor: Any) -> tuple[np.ndarray[Any, Any], str]:
    """Return a tensor of host memory as an array of its memory, and the name of its dtype."""
    name = str(tensor.dtype).removeprefix("torch.")
    if name == "bfloat16":  # NumPy has none
        tensor = tensor.view(sys.modules["torch"].int16)
    return tensor.numpy(), name


def rebuild_array(
    buffer: Any, dtype: Any, layout: ArrayLayout, is_writable: bool
) -> np.ndarray[Any, Any]:
    """Return an array over ``buffer``."""
    shape, strides, first = layout
    array: np.ndarray[Any, Any] = np.ndarray(
        shape, np.dtype(dtype), buffer, offset=first, strides=strides
    )
    if not is_writable:
        array.flags.writeable = False
    return array


def rebuild_tensor(array: np.ndarray[Any, Any], name: str) -> Any:
    """Return the tensor that ``as_array`` took apart."""
    import torch

    tensor = torch.from_numpy(array)
    return tensor.view(torch.bfloat16) if name == "bfloat16" else tensor


def rebuild_lent_tensor(buffer: Any, dtype: Any, layout: ArrayLayout, name: str) -> Any:
    """Return a tensor over ``buffer`` in host memory; torch has no read-only ones."""
    return rebuild_tensor(rebuild_array(buffer, dtype, layout, True), name)


def rebuild_device_tensor(part: Any, dtype: Any, shape: Any, strides: Any) -> Any:
    """Return a tensor over ``part``, uint8 memory of a device.

    Args:
        part: uint8 ``[num_bytes]``.
        dtype: torch dtype.
        shape: Of the tensor.
        strides: In elements.
    """
    typed = part.view(dtype)
    return typed.as_strided(shape, strides, typed.storage_offset())
