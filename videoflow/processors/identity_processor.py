"""A node that changes nothing."""

from __future__ import annotations

from typing import Any, ClassVar

from videoflow.core.node import ProcessorNode

__all__ = ["IdentityProcessor"]


class IdentityProcessor(ProcessorNode):
    """Passes its input on: a place to measure, to fork or to give work to ``nb_tasks``."""

    is_light: ClassVar[bool] = True

    def process(self, item: Any) -> Any:
        """Return ``item`` itself."""
        return item
