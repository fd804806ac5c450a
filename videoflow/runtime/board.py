"""Shared memory that all processes of a flow write their marks on.

Each word has one writer, so nothing is locked; the supervisor owns the memory, so that the
marks survive the worker that made them. The board holds, for each

* exit: ``done``, the sequence number up to which all frames have left, and what became of
  the newest ones (``marks``);
* source: the door's record (``read``, ``entered``, ``folded``, totals by mark), kept twice and
  switched by one word, so that it is whole whenever the writer dies; and when each frame
  entered;
* task of a node: counters (see ``COUNTERS``).
"""

from __future__ import annotations

import math
import mmap
import os
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from videoflow.runtime.marks import NUM_KINDS

if TYPE_CHECKING:
    from videoflow.runtime.plan import Plan

__all__ = ["AGE_BINS", "COUNTERS", "Board", "DoorRecord", "create_memory"]

I64 = NDArray[np.int64]
F64 = NDArray[np.float64]

COUNTERS = (
    "num_items",
    "num_skipped",
    "num_failed",
    "num_batches",
    "num_batch_items",
    "wait_seconds",
    "batch_wait_seconds",
    "compute_seconds",
    "num_flushed",
)
"""The counters of a task, in the order of their columns."""

AGE_BINS = 256
"""Bins of an age histogram; bin b ends at ``age_of_bin(b)``."""

_FIRST_AGE_SECONDS = 1e-5
_BINS_PER_OCTAVE = 10
_LINE = 64  # bytes; words of different writers stay on different cache lines


def create_memory(name: str, num_bytes: int) -> int:
    """Return a descriptor of zeroed memory without a name in the file system."""
    fd = os.memfd_create(f"videoflow-{name}", os.MFD_CLOEXEC)
    os.ftruncate(fd, num_bytes)
    return fd


class DoorRecord:
    """Columns of a door's record.

    The columns from ``TOTALS`` on count what became of the frames: first the worst mark of
    each frame over all exits, by kind and node, then the kinds at each exit of the source.
    """

    READ = 0
    ENTERED = 1
    FOLDED = 2
    FLUSHED = 3
    TOTALS = 4


class Board:
    """The board of one flow.

    Args:
        plan: What runs; all processes lay the board out by it.
        fd: Descriptor of its memory; None makes new memory.
    """

    def __init__(self, plan: Plan, fd: int | None = None) -> None:
        layout = _Layout()
        num_nodes = len(plan.graph.nodes)
        exits = plan.exits
        self._done_at = [layout.take((1,), np.int64) for _ in exits]
        self._flushed_at = [layout.take((1,), np.int64) for _ in exits]
        self._ages_at = [layout.take((AGE_BINS,), np.int64) for _ in exits]
        self._marks_at = {
            (e.index, s): layout.take((plan.source(s).max_tickets,), np.uint16)
            for e in exits
            for s in e.sources
        }
        width = {
            s.node: DoorRecord.TOTALS + NUM_KINDS * (num_nodes + len(s.exits))
            for s in plan.sources
        }
        self._flip_at = {s.node: layout.take((1,), np.int64) for s in plan.sources}
        self._large_at = {s.node: layout.take((1,), np.int64) for s in plan.sources}
        self._records_at = {
            s.node: layout.take((2, width[s.node]), np.int64) for s in plan.sources
        }
        self._entered_at = {
            s.node: layout.take((s.max_tickets,), np.float64) for s in plan.sources
        }
        self._tasks_at = {
            (n.index, task): layout.take((len(COUNTERS),), np.float64)
            for n in plan.nodes
            for task in range(len(n.workers))
        }
        self.fd = create_memory("board", layout.size) if fd is None else fd
        self._map = mmap.mmap(self.fd, layout.size)
        view = memoryview(self._map)
        self.done: list[I64] = [_array(view, at) for at in self._done_at]
        self.flushed: list[I64] = [_array(view, at) for at in self._flushed_at]
        self.ages: list[I64] = [_array(view, at) for at in self._ages_at]
        self.marks = {key: _array(view, at) for key, at in self._marks_at.items()}
        self._flip = {key: _array(view, at) for key, at in self._flip_at.items()}
        self._records = {key: _array(view, at) for key, at in self._records_at.items()}
        self.large = {key: _array(view, at) for key, at in self._large_at.items()}
        self.entered_seconds = {key: _array(view, at) for key, at in self._entered_at.items()}
        self.tasks = {key: _array(view, at) for key, at in self._tasks_at.items()}

    def record(self, source: int) -> I64:
        """Return the door's record of ``source``, as its writer last published it."""
        side = int(self._flip[source][0])
        record: I64 = self._records[source][side]
        return record

    def draft(self, source: int) -> I64:
        """Return a copy of the record to change; ``publish`` makes it the record."""
        side = int(self._flip[source][0])
        records = self._records[source]
        records[1 - side] = records[side]
        draft: I64 = records[1 - side]
        return draft

    def publish(self, source: int) -> None:
        """Make the draft of ``source`` its record, at once."""
        self._flip[source][0] ^= 1


class _Layout:
    """Hands out places in a memory that does not exist yet."""

    def __init__(self) -> None:
        self.size = 0

    def take(self, shape: tuple[int, ...], dtype: Any) -> tuple[int, tuple[int, ...], Any]:
        at = self.size
        num_bytes = int(np.prod(shape)) * np.dtype(dtype).itemsize
        self.size = at + -(-num_bytes // _LINE) * _LINE
        return at, shape, dtype


def _array(view: memoryview, at: tuple[int, tuple[int, ...], Any]) -> NDArray[Any]:
    offset, shape, dtype = at
    return np.frombuffer(view, dtype, count=int(np.prod(shape)), offset=offset).reshape(shape)


def age_bins(ages_seconds: F64) -> I64:
    """Return the bin of each age; ten bins an octave, from 10 microseconds on."""
    ratio = np.maximum(ages_seconds, _FIRST_AGE_SECONDS) / _FIRST_AGE_SECONDS
    bins: I64 = np.minimum(np.log2(ratio) * _BINS_PER_OCTAVE, AGE_BINS - 1).astype(np.int64)
    return bins


def age_bin(age_seconds: float) -> int:
    """Return the bin of one age."""
    ratio = max(age_seconds, _FIRST_AGE_SECONDS) / _FIRST_AGE_SECONDS
    return min(int(math.log2(ratio) * _BINS_PER_OCTAVE), AGE_BINS - 1)


def age_percentile(histogram: I64, percent: float) -> float:
    """Return the age below which ``percent`` of a histogram lies, in seconds; NaN if empty."""
    total = int(histogram.sum())
    if not total:
        return float("nan")
    reached = np.searchsorted(np.cumsum(histogram), total * percent / 100)
    return float(_FIRST_AGE_SECONDS * 2 ** ((int(reached) + 1) / _BINS_PER_OCTAVE))
