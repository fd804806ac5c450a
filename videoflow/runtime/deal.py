"""Which frames of a lane each task of a node takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Deal", "DealBy"]

DealBy = Literal["seq", "lane"]


@dataclass(frozen=True, slots=True)
class Deal:
    """Which frames of a lane a task of a node takes.

    Attributes:
        task: Number of the task.
        num_tasks: How many share the node.
        by: Whether sequence numbers or whole lanes are dealt out.
    """

    task: int = 0
    num_tasks: int = 1
    by: DealBy = "seq"

    def takes_lane(self, lane: int) -> bool:
        """Say whether the task takes anything of ``lane``."""
        return self.by == "seq" or lane % self.num_tasks == self.task

    @property
    def stride(self) -> int:
        """The distance between the sequence numbers that the task takes."""
        return self.num_tasks if self.by == "seq" else 1

    @property
    def first(self) -> int:
        """The first sequence number that the task takes."""
        return self.task if self.by == "seq" else 0
