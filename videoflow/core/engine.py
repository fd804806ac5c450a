"""The door between a flow and what runs it."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from videoflow.core.graph import Graph
from videoflow.core.report import Progress, Report

__all__ = ["Engine", "Run", "RunOptions"]


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How a flow wants to be run.

    Attributes:
        placement: ``auto``, ``process`` or ``fused``.
        tickets: Frames of a stream in flight; None for the planner's choice.
    """

    placement: Literal["auto", "process", "fused"] = "auto"
    tickets: int | None = None


class Run(Protocol):
    """A flow that has been started."""

    def wait(self, timeout_seconds: float | None) -> bool:
        """Block until the flow has ended and nothing of it is left; return whether it has."""

    def stop(self) -> None:
        """End all streams; what has entered is still delivered, within a bounded time."""

    def kill(self) -> None:
        """End all workers at once."""

    def progress(self) -> Progress:
        """Return where the flow is."""

    def report(self) -> Report:
        """Return what the flow did; after ``wait`` only."""

    def error(self) -> BaseException | None:
        """Return what broke the flow, or None; after ``wait`` only."""

    def tapped(self, node: int) -> Generator[Any, None, bool]:
        """Yield the items that reach the tap ``node``; return whether these were all."""


class Engine(Protocol):
    """Runs flows somewhere."""

    def explain(self, graph: Graph, options: RunOptions) -> str:
        """Return in words how ``graph`` would run."""

    def start(self, graph: Graph, options: RunOptions) -> Run:
        """Start ``graph``; return at once.

        Raises:
            GraphError: It cannot be planned, or a node cannot be sent to a worker.
        """
