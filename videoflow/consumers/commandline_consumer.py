"""Items as lines on standard output."""

from __future__ import annotations

from typing import Any, ClassVar

from videoflow.core.node import ConsumerNode

__all__ = ["CommandlineConsumer"]


class CommandlineConsumer(ConsumerNode):
    """Prints its inputs, as ``print`` would, on the standard output of the flow's owner.

    Args:
        sep: Between the inputs of one item.
        end: After each item.
        **options: See ``NodeOptions``.
    """

    is_light: ClassVar[bool] = True

    def __init__(self, sep: str = " ", end: str = "\n", **options: Any) -> None:
        super().__init__(**options)
        self.sep = sep
        self.end = end
        # A worker's standard output is buffered by lines; without a line end it needs a push.
        self._flush = "\n" not in end

    def consume(self, *inputs: Any) -> None:
        """Print one item."""
        print(*inputs, sep=self.sep, end=self.end, flush=self._flush)  # noqa: T201 - its job
