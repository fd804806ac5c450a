"""Keeps a library from leaving CUDA contexts behind; knows the driver, not what is called."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

__all__ = ["without_stray_context"]

Result = TypeVar("Result")


def without_stray_context(
    call: Callable[[], Result], *, load_driver: Callable[[], Any] | None = None
) -> Result:
    """Return what ``call`` returns; where it fails, destroy the CUDA context it has left.

    PyNvVideoCodec 2.2.4 makes a context to open an encoder's session in. Where there is no
    session it raises, and the context stays: half a gigabyte of the GPU, and the current one
    of its thread, so that torch would go on in a context without its streams and memory. Here
    the thread is a new one, which had no context.

    Args:
        call: Of the library.
        load_driver: Returns NVIDIA's ``libcuda``, or raises an OSError where there is none.
    """

    def run() -> Result:
        try:
            return call()
        except BaseException:
            _destroy_current(load_driver or _load_driver)
            raise

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(run).result()


def _destroy_current(load_driver: Callable[[], Any]) -> None:
    """Destroy the thread's current context, unless it is the one that torch shares."""
    try:
        driver = load_driver()
    except OSError:  # no driver, no context
        return
    context, device = ctypes.c_void_p(), ctypes.c_int()
    driver.cuCtxGetCurrent(ctypes.byref(context))
    if not context:
        return
    driver.cuCtxGetDevice(ctypes.byref(device))
    if context.value != _primary_context(driver, device):
        driver.cuCtxDestroy_v2(context)


def _primary_context(driver: Any, device: ctypes.c_int) -> int | None:
    """Return the context that all users of CUDA's runtime share, or None without one."""
    flags, is_active, primary = ctypes.c_uint(), ctypes.c_int(), ctypes.c_void_p()
    driver.cuDevicePrimaryCtxGetState(device, ctypes.byref(flags), ctypes.byref(is_active))
    if not is_active:
        return None
    driver.cuDevicePrimaryCtxRetain(ctypes.byref(primary), device)
    driver.cuDevicePrimaryCtxRelease_v2(device)
    return primary.value


def _load_driver() -> ctypes.CDLL:
    return ctypes.CDLL("libcuda.so.1")
