"""What each call answers while a stream is captured; prints one JSON object.

A Python with a simulated GPU runs this file.
"""

from __future__ import annotations

import ctypes
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

GLOBAL, THREAD_LOCAL, RELAXED = range(3)
_BLOCKING, _NON_BLOCKING = range(2)

_runtime = ctypes.CDLL("libcudart.so.13")
_other_thread = ThreadPoolExecutor(1)


def call(name: str, *values: object) -> int:
    """Return the status of a call of the CUDA runtime."""
    status: int = getattr(_runtime, name)(*values)
    return status


def elsewhere(name: str, *values: object) -> int:
    """Return the status of a call by another thread."""
    return _other_thread.submit(call, name, *values).result()


def made(name: str, *values: object) -> ctypes.c_void_p:
    """Return what a call makes."""
    out = ctypes.c_void_p()
    assert call(name, ctypes.byref(out), *values) == 0
    return out


def stream(kind: int = _NON_BLOCKING) -> ctypes.c_void_p:
    """Return a new stream."""
    return made("cudaStreamCreateWithFlags", kind)


def event(on: ctypes.c_void_p | None = None) -> ctypes.c_void_p:
    """Return a new event, recorded on a stream."""
    new = made("cudaEventCreateWithFlags", 2)
    if on is not None:
        assert call("cudaEventRecord", new, on) == 0
    return new


def begun(mode: int = GLOBAL, kind: int = _NON_BLOCKING) -> ctypes.c_void_p:
    """Return a stream that is captured."""
    new = stream(kind)
    assert call("cudaStreamBeginCapture", new, mode) == 0
    return new


def end(on: ctypes.c_void_p) -> int:
    """Return the status of a capture's end."""
    return call("cudaStreamEndCapture", on, ctypes.byref(ctypes.c_void_p()))


def work(on: ctypes.c_void_p | None) -> int:
    """Return the status of work for a stream."""
    return call("cudaMemsetAsync", MEMORY, 0, ctypes.c_size_t(16), on)


def malloc(by: Callable[..., int] = call) -> int:
    """Return the status of an allocation."""
    return by("cudaMalloc", ctypes.byref(ctypes.c_void_p()), ctypes.c_size_t(16))


def synchronous_copy() -> int:
    """Return the status of a copy that is ordered by the default stream."""
    return call("cudaMemcpy", MEMORY, bytes(16), ctypes.c_size_t(16), 4)


def relaxed_malloc() -> int:
    """Return the status of an allocation in the mode that torch's allocator changes to."""
    mode = ctypes.c_int(RELAXED)
    call("cudaThreadExchangeStreamCaptureMode", ctypes.byref(mode))
    status = malloc()
    call("cudaThreadExchangeStreamCaptureMode", ctypes.byref(mode))
    return status


def fork(*, is_joined: bool) -> list[int]:
    """Return what a capture with a second stream ends with."""
    first, second = begun(), stream()
    statuses = [call("cudaStreamWaitEvent", second, event(first), 0), work(second)]
    if is_joined:
        statuses.append(call("cudaStreamWaitEvent", first, event(second), 0))
    return [*statuses, end(first), end(second)]


def captured_event_afterwards() -> list[int]:
    """Return what is answered about an event whose capture is over."""
    on = begun()
    mark = event(on)
    return [end(on), call("cudaEventQuery", mark), call("cudaStreamWaitEvent", on, mark, 0)]


def merge() -> list[int]:
    """Return what becomes of two captures of which one waits for the other."""
    first, second = begun(), begun()
    return [call("cudaStreamWaitEvent", second, event(first), 0), end(first), end(second)]


def after_a_refusal() -> list[int]:
    """Return what the stream answers once its capture was spoiled, and once it is over."""
    on = begun()
    return [call("cudaStreamSynchronize", on), work(on), end(on), work(on)]


def wrong_ends() -> list[int]:
    """Return what ends in another thread and in a stream that has joined are answered."""
    on, joined = begun(), stream()
    call("cudaStreamWaitEvent", joined, event(on), 0)
    out = ctypes.byref(ctypes.c_void_p())
    return [elsewhere("cudaStreamEndCapture", on, out), end(joined), end(on)]


def during(
    ask: Callable[[ctypes.c_void_p], int], mode: int = GLOBAL, kind: int = 1
) -> list[int]:
    """Return the answers to a call while a stream is captured, and to the end of that."""
    on = begun(mode, kind)
    return [ask(on), end(on)]


MEMORY = made("cudaMalloc", ctypes.c_size_t(16))
OLD = event(stream())
assert call("cudaEventSynchronize", OLD) == 0
CASES: dict[str, Callable[[], list[int]]] = {
    "work": lambda: during(work),
    "synchronize": lambda: during(lambda on: call("cudaStreamSynchronize", on)),
    "query": lambda: during(lambda on: call("cudaStreamQuery", on)),
    "synchronize the device": lambda: during(lambda _: call("cudaDeviceSynchronize")),
    "synchronize the device elsewhere": lambda: during(
        lambda _: elsewhere("cudaDeviceSynchronize"), THREAD_LOCAL
    ),
    "query a captured event": lambda: during(lambda on: call("cudaEventQuery", event(on))),
    "query a captured event afterwards": captured_event_afterwards,
    "query another event": lambda: during(lambda _: call("cudaEventQuery", OLD)),
    "query another event elsewhere": lambda: during(lambda _: elsewhere("cudaEventQuery", OLD)),
    "query another event elsewhere, local": lambda: during(
        lambda _: elsewhere("cudaEventQuery", OLD), THREAD_LOCAL
    ),
    "allocate": lambda: during(lambda _: malloc()),
    "allocate, local": lambda: during(lambda _: malloc(), THREAD_LOCAL),
    "allocate, relaxed": lambda: during(lambda _: malloc(), RELAXED),
    "allocate as torch does": lambda: during(lambda _: relaxed_malloc()),
    "allocate elsewhere": lambda: during(lambda _: malloc(elsewhere)),
    "allocate elsewhere, local": lambda: during(lambda _: malloc(elsewhere), THREAD_LOCAL),
    "work on the default stream": lambda: during(lambda _: work(None)),
    "work on the default stream, blocking": lambda: during(
        lambda _: work(None), kind=_BLOCKING
    ),
    "synchronous copy": lambda: during(lambda _: synchronous_copy()),
    "synchronous copy, blocking": lambda: during(lambda _: synchronous_copy(), kind=_BLOCKING),
    "wait for an event from before": lambda: during(
        lambda on: call("cudaStreamWaitEvent", on, OLD, 0)
    ),
    "capture the default stream": lambda: [call("cudaStreamBeginCapture", None, GLOBAL)],
    "fork and join": lambda: fork(is_joined=True),
    "fork only": lambda: fork(is_joined=False),
    "merge": merge,
    "after a refusal": after_a_refusal,
    "wrong ends": wrong_ends,
}

if __name__ == "__main__":
    print(json.dumps({name: case() for name, case in CASES.items()}))
