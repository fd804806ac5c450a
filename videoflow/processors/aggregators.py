"""Running values: after each item, what all items so far come to.

Items may be numbers or whatever has the operator that an aggregator uses; arrays are never
changed in place.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

from videoflow.core.node import OneTaskProcessorNode

__all__ = [
    "CountAggregator",
    "MaxAggregator",
    "MinAggregator",
    "MultiplicationAggregator",
    "SumAggregator",
]


class _RunningAggregator(OneTaskProcessorNode):
    """The loop that the five have in common; starts afresh whenever the node is opened."""

    is_light: ClassVar[bool] = True
    initial: ClassVar[Any] = None

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._value = self.initial

    def open(self) -> None:
        self._value = self.initial

    def process(self, item: Any) -> Any:
        """Return the value with ``item`` in it."""
        self._value = self.combine(self._value, item)
        return self._value

    @abstractmethod
    def combine(self, value: Any, item: Any) -> Any:
        """Return what ``value`` becomes by ``item``."""


class SumAggregator(_RunningAggregator):
    """The sum of the items so far."""

    initial = 0

    def combine(self, value: Any, item: Any) -> Any:
        """Return ``value + item``."""
        return value + item


class MultiplicationAggregator(_RunningAggregator):
    """The product of the items so far."""

    initial = 1

    def combine(self, value: Any, item: Any) -> Any:
        """Return ``value * item``."""
        return value * item


class CountAggregator(_RunningAggregator):
    """How many items there were so far; what they are plays no part."""

    initial = 0

    def combine(self, value: Any, item: Any) -> Any:
        """Return ``value + 1``."""
        return value + 1


class MaxAggregator(_RunningAggregator):
    """The greatest item so far; of equal ones the first."""

    def combine(self, value: Any, item: Any) -> Any:
        """Return the greater of the two."""
        return item if value is None or item > value else value


class MinAggregator(_RunningAggregator):
    """The least item so far; of equal ones the first."""

    def combine(self, value: Any, item: Any) -> Any:
        """Return the lesser of the two."""
        return item if value is None or item < value else value
