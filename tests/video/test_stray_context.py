"""Contexts that a library leaves behind; the driver is a stand-in that notes its calls."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from videoflow.video.stray_context import without_stray_context

PRIMARY, STRAY = 0x1000, 0x2000


class Driver:
    """What is asked of ``libcuda``, for one GPU.

    Args:
        current: Each thread's context after the library's call.
        is_primary_active: Whether somebody uses CUDA's runtime.
    """

    def __init__(self, current: int | None, *, is_primary_active: bool = True) -> None:
        self.destroyed: list[int] = []
        self.num_retained = 0
        self._current = current
        self._is_primary_active = is_primary_active

    def cuCtxGetCurrent(self, out: Any) -> int:
        out._obj.value = self._current
        return 0

    def cuCtxGetDevice(self, out: Any) -> int:
        out._obj.value = 3
        return 0

    def cuDevicePrimaryCtxGetState(self, device: Any, flags: Any, is_active: Any) -> int:
        assert device.value == 3
        is_active._obj.value = int(self._is_primary_active)
        return 0

    def cuDevicePrimaryCtxRetain(self, out: Any, device: Any) -> int:
        self.num_retained += 1
        out._obj.value = PRIMARY
        return 0

    def cuDevicePrimaryCtxRelease_v2(self, device: Any) -> int:
        self.num_retained -= 1
        return 0

    def cuCtxDestroy_v2(self, context: Any) -> int:
        self.destroyed.append(context.value)
        return 0


def fail() -> None:
    raise RuntimeError("no session")


def test_a_call_that_succeeds_keeps_its_context() -> None:
    """The result is the caller's; the thread is another one, and what it has stays."""
    driver = Driver(STRAY)

    thread = without_stray_context(threading.current_thread, load_driver=lambda: driver)

    assert thread is not threading.current_thread()
    assert driver.destroyed == []


@pytest.mark.parametrize(
    ("current", "is_primary_active", "destroyed"),
    [
        pytest.param(None, True, [], id="none"),
        pytest.param(STRAY, True, [STRAY], id="stray"),
        pytest.param(STRAY, False, [STRAY], id="stray-alone"),
        pytest.param(PRIMARY, True, [], id="torchs"),
    ],
)
def test_a_call_that_fails_leaves_no_context(
    current: int | None, is_primary_active: bool, destroyed: list[int]
) -> None:
    """The error is the caller's; the library's context goes, the one that all share stays."""
    driver = Driver(current, is_primary_active=is_primary_active)

    with pytest.raises(RuntimeError, match="no session"):
        without_stray_context(fail, load_driver=lambda: driver)

    assert driver.destroyed == destroyed
    assert driver.num_retained == 0


def test_without_a_driver_there_is_nothing_to_destroy() -> None:
    """The error is still that of the call."""

    def load() -> None:
        raise OSError("libcuda.so.1: cannot open shared object file")

    with pytest.raises(RuntimeError, match="no session"):
        without_stray_context(fail, load_driver=load)
