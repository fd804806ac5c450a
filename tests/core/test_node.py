from __future__ import annotations

import pickle
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch

from videoflow.core import (
    SKIP,
    BatchProcessorNode,
    ConsumerNode,
    Node,
    OneTaskProcessorNode,
    PerStreamProcessorNode,
    ProcessorNode,
    ProducerNode,
)
from videoflow.errors import GraphError

OPTIONS = "name, nb_tasks, device, on_error, max_failures, restarts, num_threads"


class Source(ProducerNode):
    def next(self) -> int:
        raise StopIteration


class Plain(ProcessorNode):
    def process(self, *inputs: Any) -> Any:
        return inputs


class Forgetful(ProcessorNode):
    def __init__(self) -> None:
        pass

    def process(self, *inputs: Any) -> Any:
        return inputs


class OneState(OneTaskProcessorNode):
    def process(self, *inputs: Any) -> Any:
        return inputs


class StreamState(PerStreamProcessorNode[list[int]]):
    def make_state(self, stream: str) -> list[int]:
        return []

    def process(self, state: list[int], *inputs: Any) -> Any:
        return inputs


class Batch(BatchProcessorNode):
    def process_batch(self, batch: Sequence[Any]) -> Sequence[Any]:
        return batch


class HTTPSinkV2(ConsumerNode):
    def consume(self, *inputs: Any) -> None:
        pass


@pytest.mark.parametrize(
    ("node", "name"),
    [
        pytest.param(Plain(), "plain", id="one-word"),
        pytest.param(OneState(), "one_state", id="two-words"),
        pytest.param(HTTPSinkV2(), "http_sink_v2", id="acronym"),
        pytest.param(Plain(name="other"), "other", id="given"),
        pytest.param(Forgetful(), "forgetful", id="without-super-init"),
    ],
)
def test_name_is_the_class_in_snake_case(node: Node, name: str) -> None:
    """A node that was given no name is called like its class, in lower case."""
    assert node.name == name
    assert repr(node) == f"{type(node).__name__}({name!r})"


def test_a_node_returns_itself_when_called() -> None:
    """A call takes the parents, in order, and returns the node."""
    a, b = Source(name="a"), Source(name="b")
    node = Plain()

    called = node(a, b)

    assert called is node
    assert node.parents == (a, b)


def test_a_node_that_forgets_super_init_works() -> None:
    """A subclass without ``super().__init__()`` has parents and the default options."""
    node = Forgetful()(Source())

    assert node.options["nb_tasks"] == 1
    assert len(node.parents) == 1


@pytest.mark.parametrize(
    ("call", "want"),
    [
        pytest.param(
            lambda: Plain()(Source())(Source()),
            "'plain' was called twice: it has parents already\n"
            "  help: make a second node for the second place",
            id="twice",
        ),
        pytest.param(lambda: Plain()(), "'plain' was called without parents", id="no-parents"),
        pytest.param(
            lambda: Plain()(3),  # type: ignore[arg-type] # that is the mistake
            "'plain': got 3 as a parent, want a node\n"
            "  help: wrap a plain function: FunctionProcessor(f)(parent)",
            id="not-a-node",
        ),
        pytest.param(
            lambda: Plain()(HTTPSinkV2()),
            "'plain': 'http_sink_v2' is a consumer and has no output",
            id="consumer-as-a-parent",
        ),
        pytest.param(
            lambda: Source()(Plain()),
            "'source' is a producer and takes no parents",
            id="producer-with-parents",
        ),
        pytest.param(
            lambda: Plain(nb_task=2),
            "Plain: got unknown option 'nb_task'\n"
            + f"  help: options of every node: {OPTIONS}",
            id="unknown-option",
        ),
        pytest.param(
            lambda: Plain(nb_tasks=0), "Plain: got nb_tasks=0, want an int >= 1", id="nb_tasks"
        ),
        pytest.param(
            lambda: Plain(nb_tasks=True),
            "Plain: got nb_tasks=True, want an int >= 1",
            id="nb_tasks-bool",
        ),
        pytest.param(
            lambda: Plain(restarts=-1),
            "Plain: got restarts=-1, want an int >= 0",
            id="restarts",
        ),
        pytest.param(
            lambda: Plain(on_error="ignore"),
            "Plain: got on_error='ignore', want 'stop' or 'skip'",
            id="on_error",
        ),
        pytest.param(
            lambda: Plain(max_failures=-1),
            "Plain: got max_failures=-1, want an int >= 0 or None",
            id="max_failures",
        ),
        pytest.param(
            lambda: Plain(num_threads=0),
            "Plain: got num_threads=0, want an int >= 1 or None",
            id="num_threads",
        ),
        pytest.param(
            lambda: Plain(device="gpu"),
            "Plain: got device='gpu', want 'auto', 'cpu', 'cuda' or 'cuda:N'",
            id="device",
        ),
        pytest.param(lambda: Plain(name=3), "Plain: got name=3, want a str", id="name"),
        pytest.param(
            lambda: OneState(nb_tasks=2),
            "'one_state' keeps one state: got nb_tasks=2, want 1",
            id="one-state-in-two-workers",
        ),
        pytest.param(
            lambda: Batch(max_batch_size=0),
            "'batch': got max_batch_size=0, want an int >= 1",
            id="max_batch_size",
        ),
        pytest.param(
            lambda: Batch(max_per_stream=0),
            "'batch': got max_per_stream=0, want an int >= 1",
            id="max_per_stream",
        ),
        pytest.param(
            lambda: Batch(max_delay_seconds=-1),
            "'batch': got max_delay_seconds=-1, want >= 0",
            id="max_delay_seconds",
        ),
        pytest.param(
            lambda: Batch(max_staleness_seconds=0),
            "'batch': got max_staleness_seconds=0, want more than 0, or None",
            id="max_staleness_seconds",
        ),
    ],
)
def test_mistakes_are_refused_where_they_are_written(call: Any, want: str) -> None:
    """A mistake in a node is refused on its line, with what came and what is wanted."""
    with pytest.raises(GraphError) as refused:
        call()

    assert str(refused.value) == want


def test_options_of_two_nodes_are_apart() -> None:
    """What one node was told is not told to another."""
    one, other = Plain(nb_tasks=2), Plain()

    assert (one.options["nb_tasks"], other.options["nb_tasks"]) == (2, 1)


@pytest.mark.parametrize(
    "node", [Source(), Plain(), OneState(), StreamState(), Batch(), HTTPSinkV2()], ids=repr
)
def test_an_unopened_node_works_without_a_runtime(node: Node) -> None:
    """In a test or a notebook cell a node works as it is: slots are fresh memory."""
    node.check()
    node.open()
    array = node.slot((2, 3), np.float32)
    tensor = node.slot_tensor((2, 3), torch.int16)
    node.note("nobody hears it")
    node.close()

    assert (array.shape, array.dtype.name) == ((2, 3), "float32")
    assert (tuple(tensor.shape), tensor.dtype) == ((2, 3), torch.int16)
    assert node.slot((4,)).dtype == np.uint8
    assert node.slot_tensor((4,)).dtype == torch.uint8


@pytest.mark.parametrize("node", [Plain(), StreamState()], ids=repr)
def test_nothing_is_flushed_by_default(node: Plain | StreamState) -> None:
    """A node that holds nothing back has nothing to flush."""
    flushed = node.flush([]) if isinstance(node, StreamState) else node.flush()

    assert list(flushed) == []


def test_a_pickled_node_leaves_its_graph_behind() -> None:
    """A worker gets its nodes with their options, not the graph around them."""
    node = Plain(name="mine", nb_tasks=3)(Source())

    copy = pickle.loads(pickle.dumps(node))

    assert copy.parents == ()
    assert (copy.name, copy.options) == ("mine", node.options)
    assert len(node.parents) == 1


def test_skip_is_one_value_in_every_process() -> None:
    """``SKIP`` is the same object after a trip between processes."""
    assert pickle.loads(pickle.dumps(SKIP)) is SKIP
    assert repr(SKIP) == "SKIP"
