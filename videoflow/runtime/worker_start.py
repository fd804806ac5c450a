"""What a worker is given when it starts: its descriptors, and what it runs."""

from __future__ import annotations

import os
import pickle
from dataclasses import dataclass

from videoflow.core.node import Node
from videoflow.runtime.plan import Plan

__all__ = ["WorkerFds", "load_spec"]


@dataclass(frozen=True, slots=True)
class WorkerFds:
    """The descriptors of one worker.

    Attributes:
        control: Its connection with the supervisor.
        board: The board.
        spec: The pickled plan and nodes.
        bells: Worker to the event that wakes it.
        rings: Ring to the memory of its slots.
        readers: Worker to the channel that it writes and we read.
        writers: Worker to the channel that we write.
        taps: Node to the socket on which it sends items to the caller.
        stdout: Where the nodes' standard output goes.
        stderr: Where the nodes' standard error goes.
    """

    control: int
    board: int
    spec: int
    bells: dict[int, int]
    rings: dict[int, int]
    readers: dict[int, int]
    writers: dict[int, int]
    taps: dict[int, int]
    stdout: int
    stderr: int


def load_spec(fd: int) -> tuple[Plan, dict[int, Node]]:
    """Return the plan and the nodes that the supervisor wrote for a worker."""
    size = os.fstat(fd).st_size
    spec: tuple[Plan, dict[int, Node]] = pickle.loads(os.pread(fd, size, 0))
    return spec
