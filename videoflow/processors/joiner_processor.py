"""A node that makes one item of several."""

from __future__ import annotations

from typing import Any, ClassVar

from videoflow.core.node import ProcessorNode

__all__ = ["JoinerProcessor"]


class JoinerProcessor(ProcessorNode):
    """Puts what its parents say about one frame into one tuple."""

    is_light: ClassVar[bool] = True

    def process(self, *inputs: Any) -> tuple[Any, ...]:
        """Return the inputs, in the order of the parents."""
        return inputs
