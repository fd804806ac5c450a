"""The slip of a slot on a device: which events say that it is written, and read.

It lies in host memory that the owner of the slot and its readers map. Each has an entry:
the handle of its event, and its process, for handles say nothing of whether that still lives.
"""

from __future__ import annotations

import os
import select
import struct
from typing import Final, NamedTuple

__all__ = ["Entry", "count_bytes", "has_ended", "read_entry", "write_entry"]

_HANDLE_BYTES: Final = 64  # CUDA_IPC_HANDLE_SIZE
_HEAD: Final = struct.Struct("<II")  # whether there is a handle, and the process that wrote it
_ENTRY_BYTES: Final = _HEAD.size + _HANDLE_BYTES


class Entry(NamedTuple):
    """What one process has written.

    Attributes:
        pid: The process.
        handle: What opens its event.
    """

    pid: int
    handle: bytes


def count_bytes(num_entries: int) -> int:
    """Return how much memory so many entries take."""
    return _ENTRY_BYTES * num_entries


def write_entry(slip: memoryview, number: int, handle: bytes) -> None:
    """Write an entry of this process; the mark that it is there comes last."""
    start = number * _ENTRY_BYTES
    begin = start + _HEAD.size
    slip[begin : begin + _HANDLE_BYTES] = handle
    _HEAD.pack_into(slip, start, 0, os.getpid())
    _HEAD.pack_into(slip, start, 1, os.getpid())


def read_entry(slip: memoryview, number: int) -> Entry | None:
    """Return an entry, or None where nothing was written yet."""
    start = number * _ENTRY_BYTES
    is_there, pid = _HEAD.unpack_from(slip, start)
    begin = start + _HEAD.size
    return Entry(pid, bytes(slip[begin : begin + _HANDLE_BYTES])) if is_there else None


def has_ended(pid: int, *, within_seconds: float) -> bool:
    """Return whether a process has ended, or ends in time."""
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([pidfd], [], [], within_seconds)[0])
    finally:
        os.close(pidfd)
