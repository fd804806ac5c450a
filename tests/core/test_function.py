from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from videoflow.core import FunctionConsumer, FunctionProcessor, IterableProducer
from videoflow.errors import GraphError


def double(value: int) -> int:
    return 2 * value


def three() -> Iterator[int]:
    yield from range(3)


def read_all(producer: IterableProducer) -> list[Any]:
    items = []
    while True:
        try:
            items.append(producer.next())
        except StopIteration:
            return items


def test_processor_returns_what_its_function_returns() -> None:
    """A function takes one argument for each parent, and its result goes on."""
    node = FunctionProcessor(lambda a, b: (b, a))

    assert node.process(1, 2) == (2, 1)


def test_consumer_ignores_what_its_function_returns() -> None:
    """A consumer has no output, whatever its function returns."""
    got: list[int] = []
    node = FunctionConsumer(got.append)

    node.consume(1)

    assert got == [1]


@pytest.mark.parametrize(
    ("function", "name"),
    [
        pytest.param(double, "double", id="function"),
        pytest.param(lambda x: x, "lambda", id="lambda"),
        pytest.param(partial(double, 1), "partial", id="object-without-a-name"),
    ],
)
def test_a_node_is_called_like_its_function(function: Any, name: str) -> None:
    """The name of a node is that of its function, unless it is given one."""
    assert FunctionProcessor(function).name == name
    assert FunctionConsumer(function).name == name
    assert FunctionProcessor(function, name="other").name == "other"


@pytest.mark.parametrize("kind", [FunctionProcessor, FunctionConsumer])
def test_what_cannot_be_called_is_refused(kind: Any) -> None:
    """Something that is no function is refused where it is written."""
    with pytest.raises(GraphError) as refused:
        kind(3)

    assert str(refused.value) == "got 3, want a function"


@pytest.mark.parametrize(
    ("items", "want", "num_items"),
    [
        pytest.param([], [], 0, id="empty"),
        pytest.param([7], [7], 1, id="one"),
        pytest.param("abc", ["a", "b", "c"], 3, id="several"),
        pytest.param(three, [0, 1, 2], None, id="generator-function"),
        pytest.param(lambda: [1, None], [1, None], None, id="function-that-returns-a-list"),
    ],
)
def test_producer_reads_an_iterable(items: Any, want: list[Any], num_items: int | None) -> None:
    """A producer reads an iterable, or what a function returns, and says how much, if known."""
    producer = IterableProducer(items)

    assert read_all(producer) == want
    assert producer.num_items == num_items


def test_producer_starts_afresh_when_it_is_opened() -> None:
    """Each time it is opened a producer begins at the first item."""
    producer = IterableProducer([1, 2])
    assert producer.next() == 1

    producer.open()

    assert read_all(producer) == [1, 2]


@pytest.mark.parametrize(
    ("items", "want"),
    [
        pytest.param(
            3, "IterableProducer: got 3, want an iterable or a function", id="neither"
        ),
    ],
)
def test_producer_refuses_what_it_cannot_read(items: Any, want: str) -> None:
    """Something that is neither an iterable nor a function is refused."""
    with pytest.raises(GraphError) as refused:
        IterableProducer(items)

    assert str(refused.value) == want


def test_producer_refuses_an_iterator() -> None:
    """A generator cannot be sent to a worker; the message says what can."""
    generator = three()

    with pytest.raises(GraphError) as refused:
        IterableProducer(generator)

    assert str(refused.value) == (
        f"IterableProducer: got {generator!r}, which cannot be sent to a worker\n"
        "  help: give the function that makes it: IterableProducer(lambda: ...)"
    )
