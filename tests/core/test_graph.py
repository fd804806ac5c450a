from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from videoflow.core import (
    ConsumerNode,
    Flow,
    FlowType,
    Graph,
    Node,
    OneTaskProcessorNode,
    ProcessorNode,
    ProducerNode,
    Streams,
    TaskModuleNode,
)
from videoflow.core.graph_builder import build_graph
from videoflow.errors import GraphError


class Source(ProducerNode):
    def next(self) -> int:
        raise StopIteration


class Step(ProcessorNode):
    def process(self, *inputs: Any) -> Any:
        return inputs


class Sum(OneTaskProcessorNode):
    def process(self, *inputs: Any) -> Any:
        return inputs


class Holding(ProcessorNode):
    def process(self, *inputs: Any) -> Any:
        return inputs

    def flush(self) -> Iterator[Any]:
        yield 1


class Sink(ConsumerNode):
    def consume(self, *inputs: Any) -> None:
        pass


def source(name: str = "source") -> Source:
    return Source(name=name)


def step(name: str, **options: Any) -> Step:
    return Step(name=name, **options)


def graph_of(
    producers: Sequence[Any], consumers: Sequence[Any], flow_type: FlowType = "batch"
) -> Graph:
    return build_graph(producers, consumers, flow_type=flow_type, name="f")


def names(graph: Graph) -> list[str]:
    return [node.name for node in graph.nodes]


def lanes_of(graph: Graph, name: str) -> list[str]:
    node = next(n for n in graph.nodes if n.name == name)
    return [graph.lanes[lane].name for lane in node.lanes]


def test_parents_come_before_children() -> None:
    """The nodes of a graph stand parents first, each of them once."""
    a = source("a")
    left, right = step("left")(a), step("right")(a)
    sink = Sink()(step("join")(left, right))

    graph = graph_of([a], [sink])

    assert names(graph) == ["a", "left", "right", "join", "sink"]
    assert graph.sources == (0,)
    assert graph.children(0) == (1, 2)


def test_a_node_knows_the_consumers_that_it_reaches() -> None:
    """Each node carries the indices of all consumers below it; a consumer reaches itself."""
    a = source("a")
    left, right = step("left")(a), step("right")(a)
    one, two = Sink(name="one")(left), Sink(name="two")(left, right)

    graph = graph_of([a], [one, two])

    reach = {n.name: {graph.nodes[c].name for c in n.consumers} for n in graph.nodes}
    assert reach == {
        "a": {"one", "two"},
        "left": {"one", "two"},
        "right": {"two"},
        "one": {"one"},
        "two": {"two"},
    }


def test_leftover_children_do_not_count() -> None:
    """Children from an earlier notebook cell are not part of the flow, whatever they are."""
    a = source("a")
    step("left over")(step("also left over", nb_tasks=3)(a))
    Sink(name="old sink")(a)

    graph = graph_of([a], [Sink()(a)])

    assert names(graph) == ["a", "sink"]


def test_names_are_made_unique_by_a_number() -> None:
    """Nodes and streams of the same name get a number, in the order of the graph."""
    a, b = source("cam"), source("cam")
    merged = Step()(Streams(Step()(a), Step()(b)))

    graph = graph_of([a, b], [Sink()(merged)])

    assert names(graph) == ["cam", "step", "cam-2", "step-2", "step-3", "sink"]
    assert lanes_of(graph, "sink") == ["cam", "cam-2"]
    assert [graph.stream_name(s) for s in graph.sources] == ["cam", "cam-2"]


def test_a_number_never_makes_two_names_equal() -> None:
    """A name that looks like a numbered one keeps apart from it."""
    a = source("s")
    nodes = [step(name)(a) for name in ("x", "x-2", "x")]

    graph = graph_of([a], [Sink()(*nodes)])

    assert names(graph) == ["s", "x", "x-2", "x-3", "sink"]


def test_a_merge_carries_all_streams() -> None:
    """A merge of merges carries the streams of all their nodes, in their order."""
    a, b, c = source("a"), source("b"), source("c")

    graph = graph_of([a, b, c], [Sink()(Streams(c, Streams(a, b)))])

    assert lanes_of(graph, "sink") == ["c", "a", "b"]


def test_a_join_pairs_different_sources_by_index_in_batch() -> None:
    """Two sources are paired as one lane with both names, and again as the same lane."""
    a, b = source("a"), source("b")
    one, two = step("one")(a, b), step("two")(a, b)

    graph = graph_of([a, b], [Sink()(one, two)])

    assert lanes_of(graph, "one") == lanes_of(graph, "sink") == ["a+b"]
    assert graph.lanes[-1].sources == (0, 1)


def test_a_node_may_be_joined_with_itself() -> None:
    """The same parent twice is a join like any other."""
    a = source("a")

    graph = graph_of([a], [Sink()(a, a)])

    assert len(graph.nodes[1].ports) == 2
    assert lanes_of(graph, "sink") == ["a"]


def test_a_long_chain_is_no_problem() -> None:
    """A chain deeper than Python's recursion limit is a graph like any other."""
    a = source("a")
    node: Node = a
    for number in range(1500):
        node = step(f"n{number}")(node)

    graph = graph_of([a], [Sink()(node)])

    assert len(graph.nodes) == 1502


def cycle() -> tuple[list[Any], list[Any]]:
    a, b, c = step("a"), step("b"), step("c")
    a(c)
    b(a)
    c(b)
    return [source()], [Sink()(c)]


def self_cycle() -> tuple[list[Any], list[Any]]:
    a, start = step("a"), source()
    a(start, a)
    return [start], [Sink()(a)]


def no_parents() -> tuple[list[Any], list[Any]]:
    a = source()
    return [a], [Sink(name="good")(a), Sink(name="lonely")]


def nothing_reaches() -> tuple[list[Any], list[Any]]:
    a = source()
    return [a], [Sink(name="good")(a), Sink()(step("lonely"))]


def empty_module() -> tuple[list[Any], list[Any]]:
    a, inner = source(), step("inner")
    return [a], [Sink(name="good")(a), Sink()(TaskModuleNode(inner, inner))]


def producer_not_listed() -> tuple[list[Any], list[Any]]:
    a, b = source("a"), source("b")
    return [a], [Sink()(Streams(a, b))]


def producer_not_reached() -> tuple[list[Any], list[Any]]:
    a, b = source("a"), source("b")
    return [a, b], [Sink()(a)]


def different_streams() -> tuple[list[Any], list[Any]]:
    a, b, c = source("a"), source("b"), source("c")
    return [a, b, c], [Sink()(Streams(a, b), c)]


def the_same_stream_twice() -> tuple[list[Any], list[Any]]:
    a = source("a")
    return [a], [Sink()(Streams(a, step("b")(a)))]


def twice_among_producers() -> tuple[list[Any], list[Any]]:
    a = source("a")
    return [a, a], [Sink()(a)]


def consumer_in_two_tasks() -> tuple[list[Any], list[Any]]:
    a = source("a")
    return [a], [Sink(nb_tasks=2)(a)]


def producer_in_two_tasks() -> tuple[list[Any], list[Any]]:
    a = Source(name="a", nb_tasks=2)
    return [a], [Sink()(a)]


def in_two_modules() -> tuple[list[Any], list[Any]]:
    a, inner, outer = source(), step("inner"), step("outer")
    first = TaskModuleNode(inner, outer(inner), name="first")
    second = TaskModuleNode(inner, outer, name="second")
    first(a)
    return [a], [Sink(name="one")(first), Sink(name="two")(second)]


def one_state_in_a_module_of_two() -> tuple[list[Any], list[Any]]:
    a, entry, total = source(), step("entry", nb_tasks=2), Sum()
    return [a], [Sink()(TaskModuleNode(entry, total(entry))(a))]


def flush_in_two_tasks() -> tuple[list[Any], list[Any]]:
    a = source()
    return [a], [Sink()(Holding(nb_tasks=2)(a))]


@pytest.mark.parametrize(
    ("make", "want"),
    [
        pytest.param(
            flush_in_two_tasks,
            "flow 'f': 'holding' has a flush(), and 'holding' has nb_tasks=2: want 1: "
            "what several workers hold has no order\n"
            "  help: give it nb_tasks=1, or make it a PerStreamProcessorNode",
            id="flush-in-two-tasks",
        ),
        pytest.param(cycle, "flow 'f': a cycle: c -> a -> b -> c", id="cycle"),
        pytest.param(self_cycle, "flow 'f': a cycle: a -> a", id="self-cycle"),
        pytest.param(
            no_parents,
            "flow 'f': 'lonely' has no parents, so nothing reaches it\n"
            "  help: call it with its parents: Sink(...)(parent)",
            id="consumer-without-parents",
        ),
        pytest.param(
            nothing_reaches,
            "flow 'f': 'lonely' has no parents, so nothing reaches it\n"
            "  help: call it with its parents: Step(...)(parent)",
            id="consumer-that-nothing-reaches",
        ),
        pytest.param(
            empty_module,
            "flow 'f': 'inner' has no parents, so nothing reaches it\n"
            "  help: call it with its parents: Step(...)(parent)",
            id="module-without-parents",
        ),
        pytest.param(
            producer_not_listed,
            "flow 'f': 'b' feeds a consumer but is not among the producers\n"
            "  help: add it: Flow([..., b], [...])",
            id="producer-not-listed",
        ),
        pytest.param(
            producer_not_reached,
            "flow 'f': no consumer is reached from producer 'b'",
            id="producer-not-reached",
        ),
        pytest.param(
            different_streams,
            "flow 'f', node 'sink': its parents carry (a, b) and (c), "
            "want the same streams from each parent\n"
            "  help: join nodes that come from the same producers, or pair single streams",
            id="join-of-different-streams",
        ),
        pytest.param(
            the_same_stream_twice,
            "flow 'f', node 'sink': stream 'a' comes twice through one merge, from 'a' and 'b'",
            id="same-stream-twice-in-a-merge",
        ),
        pytest.param(
            twice_among_producers,
            "flow 'f': the same node stands twice among the producers",
            id="listed-twice",
        ),
        pytest.param(
            lambda: ([], [Sink()(source())]),
            "flow 'f': got no producers, want at least one",
            id="no-producers",
        ),
        pytest.param(
            lambda: ([source()], []),
            "flow 'f': got no consumers, want at least one",
            id="no-consumers",
        ),
        pytest.param(
            lambda: ([step("a")], [Sink()(source())]),
            "flow 'f': got Step('a') among the producers",
            id="processor-among-producers",
        ),
        pytest.param(
            lambda: ([source()], [3]),
            "flow 'f': got 3 among the consumers",
            id="not-a-node",
        ),
        pytest.param(
            consumer_in_two_tasks,
            "flow 'f': consumer 'sink': got nb_tasks=2, want 1: "
            "a consumer sees its streams in order",
            id="consumer-in-two-tasks",
        ),
        pytest.param(
            producer_in_two_tasks,
            "flow 'f': producer 'a': got nb_tasks=2, want 1: a source is read in one place",
            id="producer-in-two-tasks",
        ),
        pytest.param(in_two_modules, "'inner' stands in two task modules", id="two-modules"),
        pytest.param(
            one_state_in_a_module_of_two,
            "flow 'f', module 'task_module': 'sum' keeps one state, "
            "and 'entry' has nb_tasks=2: want 1\n"
            "  help: give 'entry' nb_tasks=1, or take 'sum' out of the module",
            id="one-state-in-a-module-of-two-tasks",
        ),
    ],
)
def test_a_flow_that_cannot_be_is_refused(make: Any, want: str) -> None:
    """A wrong graph is refused before anything starts: where, what came, what to do."""
    producers, consumers = make()

    with pytest.raises(GraphError) as refused:
        graph_of(producers, consumers)

    assert str(refused.value) == want


def test_pairing_is_refused_in_realtime() -> None:
    """Different sources pair by index, which needs that nothing is dropped."""
    a, b = source("a"), source("b")

    with pytest.raises(GraphError) as refused:
        graph_of([a, b], [Sink()(a, b)], "realtime")

    assert str(refused.value) == (
        "flow 'f', node 'sink': its parents carry (a) and (b): different sources pair by "
        "index, which a realtime flow cannot do\n"
        "  help: use flow_type='batch', or join nodes of one source"
    )


def test_an_unknown_flow_type_is_refused() -> None:
    """A flow is batch or realtime."""
    a = source("a")
    flow = Flow([a], [Sink()(a)], "live")  # type: ignore[arg-type] # that is the mistake

    with pytest.raises(GraphError) as refused:
        flow.graph()

    assert (
        str(refused.value)
        == "flow 'flow': got flow_type='live', want 'realtime', 'batch' or 'auto'"
    )


def test_making_a_flow_checks_nothing() -> None:
    """A flow is made without a check, and refused when it is looked at or run."""
    flow = Flow([], [])

    for look in (flow.graph, flow.explain, flow.run):
        with pytest.raises(GraphError, match="got no producers"):
            look()


def module_with_called_entry() -> None:
    entry = step("entry")(source())
    TaskModuleNode(entry, entry)


def module_whose_exit_is_elsewhere() -> None:
    TaskModuleNode(step("entry"), step("exit"))


def module_whose_entry_is_elsewhere() -> None:
    TaskModuleNode(step("entry"), step("exit")(source()))


def module_with_two_entries() -> None:
    entry, other = step("entry"), step("other")
    TaskModuleNode(entry, step("exit")(entry, other))


def module_with_a_merge() -> None:
    entry = step("entry")
    TaskModuleNode(entry, step("exit")(Streams(step("left")(entry), step("right")(entry))))


def module_called_twice() -> None:
    entry = step("entry")
    TaskModuleNode(entry, entry)(source())(source())


@pytest.mark.parametrize(
    ("make", "want"),
    [
        pytest.param(
            module_with_called_entry,
            "'task_module': its entry 'entry' was called with parents already\n"
            "  help: call the module with them",
            id="entry-called",
        ),
        pytest.param(
            module_whose_exit_is_elsewhere,
            "'task_module': 'exit' is not reached from 'entry'",
            id="exit-elsewhere",
        ),
        pytest.param(
            module_whose_entry_is_elsewhere,
            "'task_module': got Source('source') inside, want processors only\n"
            "  help: producers, consumers and merges stay outside the module",
            id="producer-inside",
        ),
        pytest.param(
            module_with_two_entries,
            "'task_module': 'other' is not reached from 'entry'",
            id="two-entries",
        ),
        pytest.param(
            module_with_a_merge,
            "'task_module': got Streams('streams') inside, want processors only\n"
            "  help: producers, consumers and merges stay outside the module",
            id="merge-inside",
        ),
        pytest.param(
            module_called_twice,
            "'entry' was called twice: it has parents already\n"
            "  help: make a second node for the second place",
            id="called-twice",
        ),
        pytest.param(Streams, "'streams' was called without parents", id="empty-merge"),
        pytest.param(
            lambda: Streams(source())(source()),
            "Streams(...) takes its nodes when it is made, and is not called again",
            id="merge-called",
        ),
    ],
)
def test_wiring_is_refused_where_it_is_written(make: Any, want: str) -> None:
    """A module or a merge that cannot be is refused on its line."""
    with pytest.raises(GraphError) as refused:
        make()

    assert str(refused.value) == want


def test_a_module_is_its_nodes() -> None:
    """The nodes of a module stand in the graph, and name the module."""
    a, entry = source("a"), step("entry")
    module = TaskModuleNode(entry, step("exit")(entry), name="part")(a)

    graph = graph_of([a], [Sink()(module)])

    assert [(n.name, n.module) for n in graph.nodes] == [
        ("a", None),
        ("entry", "part"),
        ("exit", "part"),
        ("sink", None),
    ]
    assert [n.name for n in module.members()] == ["entry", "exit"]
