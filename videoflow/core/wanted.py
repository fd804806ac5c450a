"""What a node wants of its inputs, and what it says to who wired it wrongly."""

from __future__ import annotations

from collections.abc import Sequence
from types import NoneType
from typing import Any

from videoflow.errors import GraphError

__all__ = ["wanted_input"]


def wanted_input(
    node: str, inputs: Sequence[Any], number: int, *kinds: type, help: str | None = None
) -> Any:
    """Return one of a node's inputs; refuse one that is missing, or of another type.

    Args:
        node: Its name, for the message.
        inputs: As the node got them.
        number: Which one, from 0: the place of a parent in the node's call.
        *kinds: What it may be; ``NoneType`` for None.
        help: How the node is wired.

    Raises:
        GraphError: So it is.
    """
    value = inputs[number] if number < len(inputs) else _Nothing()
    if isinstance(value, kinds):
        return value
    want = " or ".join("None" if kind is NoneType else kind.__name__ for kind in kinds)
    got = "nothing" if isinstance(value, _Nothing) else type(value).__name__
    raise GraphError(f"{node!r}, input {number}: got {got}, want {want}", help=help)


class _Nothing:
    """Stands for an input that is missing; None is one."""
