"""The end of a branch that nobody needs."""

from __future__ import annotations

from typing import Any, ClassVar

from videoflow.core.node import ConsumerNode

__all__ = ["VoidConsumer"]


class VoidConsumer(ConsumerNode):
    """Takes everything and does nothing: for measurements, and for ``flow.stream()`` alone."""

    is_light: ClassVar[bool] = True

    def consume(self, *inputs: Any) -> None:
        """Do nothing."""
