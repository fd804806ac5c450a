from __future__ import annotations

from collections.abc import Callable

import pytest

from videoflow.consumers import VoidConsumer
from videoflow.core import Flow, FunctionProcessor, Node, TaskModuleNode
from videoflow.errors import GraphError
from videoflow.processors import IdentityProcessor, JoinerProcessor
from videoflow.producers import IntProducer


def flow_of_two_ways() -> Flow:
    count = IntProducer(0, 3, name="count")
    a = IdentityProcessor(name="a")(count)
    both = JoinerProcessor(name="both")(count, a)
    return Flow([count], [VoidConsumer(name="end")(both), VoidConsumer(name="side")(a)])


def edges(flow: Flow) -> set[tuple[str, str]]:
    graph = flow.graph()
    return {
        (graph.nodes[parent].name, node.name)
        for node in graph.nodes
        for parent in graph.parents(node.index)
    }


@pytest.mark.parametrize(
    ("old", "make"),
    [
        pytest.param("count", lambda: IntProducer(0, 5, name="new"), id="producer"),
        pytest.param("a", lambda: IdentityProcessor(name="new"), id="processor"),
        pytest.param("end", lambda: VoidConsumer(name="new"), id="consumer"),
    ],
)
def test_a_node_takes_the_place_of_another(old: str, make: Callable[[], Node]) -> None:
    """Same parents, same children, and nothing else changes."""
    flow = flow_of_two_ways()
    before = edges(flow)
    new = make()

    flow.replace(old, new)

    renamed = {(a.replace(old, "new"), b.replace(old, "new")) for a, b in before if old != "a"}
    if old == "a":
        renamed = {("count", "new"), ("new", "both"), ("count", "both"), ("both", "end")}
        renamed |= {("new", "side")}
    assert edges(flow) == renamed
    assert flow["new"] is new


def test_a_changed_flow_runs() -> None:
    """What was put in place is what is called."""
    flow = flow_of_two_ways().replace("a", FunctionProcessor(lambda x: x + 10, name="ten"))
    flow.remove("side")

    seen = list(flow.stream(flow["both"]))

    assert seen == [(0, 10), (1, 11), (2, 12), (3, 13)]


def test_a_consumer_is_added_and_left_out() -> None:
    """What only a removed consumer has reached goes with it."""
    flow = flow_of_two_ways()

    flow.add(VoidConsumer(name="third")(flow["both"]))
    flow.remove("end").remove("third")

    assert edges(flow) == {("count", "a"), ("a", "side")}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(lambda f: f["nobody"], "nodes of this flow: count, a, both", id="no-name"),
        pytest.param(lambda f: f.remove("a"), "is no consumer", id="remove-a-processor"),
        pytest.param(
            lambda f: f.replace("a", VoidConsumer()), "the same kind", id="other-kind"
        ),
        pytest.param(
            lambda f: f.replace("a", IdentityProcessor()(f["count"])),
            "parents already",
            id="called",
        ),
    ],
)
def test_a_change_that_makes_no_sense_is_refused(
    change: Callable[[Flow], object], message: str
) -> None:
    """A wrong name, another kind of node, a node that was called."""
    flow = flow_of_two_ways()
    before = edges(flow)

    with pytest.raises(GraphError) as caught:
        change(flow)

    assert message in str(caught.value)
    assert edges(flow) == before


def test_the_rim_of_a_module_stays() -> None:
    """A module was made with its first and last node."""
    count = IntProducer(0, 3, name="count")
    entry = IdentityProcessor(name="entry")
    module = TaskModuleNode(entry, IdentityProcessor(name="exit")(entry))(count)
    flow = Flow([count], [VoidConsumer(name="end")(module)])

    with pytest.raises(GraphError, match="rim of module"):
        flow.replace("entry", IdentityProcessor())
