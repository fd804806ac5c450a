"""Plain functions and iterables as nodes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from videoflow.core.node import ConsumerNode, ProcessorNode, ProducerNode
from videoflow.errors import GraphError

__all__ = ["FunctionConsumer", "FunctionProcessor", "IterableProducer"]


class FunctionProcessor(ProcessorNode):
    """Calls a function with the inputs of each frame; its result goes on.

    Args:
        function: Takes one argument for each parent; may return ``SKIP``.
        **options: See ``NodeOptions``; the name is the function's by default.

    Raises:
        GraphError: ``function`` cannot be called.
    """

    def __init__(self, function: Callable[..., Any], **options: Any) -> None:
        super().__init__(**_named(function, options))
        self._function = function

    def process(self, *inputs: Any) -> Any:
        """Return ``function(*inputs)``."""
        return self._function(*inputs)


class FunctionConsumer(ConsumerNode):
    """Calls a function with the inputs of each frame.

    Args:
        function: Takes one argument for each parent; what it returns is not used.
        **options: See ``NodeOptions``; the name is the function's by default.

    Raises:
        GraphError: ``function`` cannot be called.
    """

    def __init__(self, function: Callable[..., Any], **options: Any) -> None:
        super().__init__(**_named(function, options))
        self._function = function

    def consume(self, *inputs: Any) -> None:
        """Call ``function(*inputs)``."""
        self._function(*inputs)


class IterableProducer(ProducerNode):
    """Reads an iterable, or the iterable that a function returns.

    Args:
        items: Something to iterate over, picklable; or a function without arguments that
            returns it (a generator function, for instance), called in the worker.
        **options: See ``NodeOptions``.

    Raises:
        GraphError: ``items`` is neither.
    """

    def __init__(
        self, items: Iterable[Any] | Callable[[], Iterable[Any]], **options: Any
    ) -> None:
        super().__init__(**_named(items, options) if callable(items) else options)
        if not callable(items) and not isinstance(items, Iterable):
            raise GraphError(f"IterableProducer: got {items!r}, want an iterable or a function")
        if isinstance(items, Iterator):
            raise GraphError(
                f"IterableProducer: got {items!r}, which cannot be sent to a worker",
                help="give the function that makes it: IterableProducer(lambda: ...)",
            )
        self._items = items
        self._iterator: Iterator[Any] | None = None

    @property
    def num_items(self) -> int | None:
        """The length of the iterable, where it has one."""
        return (
            None if callable(self._items) else getattr(self._items, "__len__", lambda: None)()
        )

    def open(self) -> None:
        """Start to iterate."""
        self._iterator = iter(self._items() if callable(self._items) else self._items)

    def next(self) -> Any:
        """Return the next item."""
        if self._iterator is None:
            self.open()
        assert self._iterator is not None
        return next(self._iterator)


def _named(function: Any, options: dict[str, Any]) -> dict[str, Any]:
    if not callable(function):
        raise GraphError(f"got {function!r}, want a function")
    name = str(getattr(function, "__name__", type(function).__name__)).strip("<>")
    return {"name": name, **options}
