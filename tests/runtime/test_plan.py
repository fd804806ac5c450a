from __future__ import annotations

import pickle
from collections.abc import Sequence
from typing import Any

import pytest

from videoflow.core import (
    BatchProcessorNode,
    ConsumerNode,
    Flow,
    FunctionProcessor,
    IterableProducer,
    PerStreamProcessorNode,
    Streams,
    TaskModuleNode,
)
from videoflow.errors import GraphError
from videoflow.runtime.deal import Deal
from videoflow.runtime.explain import explain_plan
from videoflow.runtime.placement import num_cores
from videoflow.runtime.plan import Plan
from videoflow.runtime.planner import LIGHT_TICKETS, REALTIME_TICKETS, make_plan


class Batch(BatchProcessorNode):
    def process_batch(self, batch: Sequence[Any]) -> Sequence[Any]:
        return batch


class State(PerStreamProcessorNode[int]):
    def make_state(self, stream: str) -> int:
        return 0

    def process(self, state: int, *inputs: Any) -> Any:
        return inputs


class Sink(ConsumerNode):
    def consume(self, *inputs: Any) -> None:
        pass


class LightSink(Sink):
    is_light = True


def source(name: str = "source") -> IterableProducer:
    return IterableProducer([1, 2, 3], name=name)


def step(name: str = "step", **options: Any) -> FunctionProcessor:
    return FunctionProcessor(lambda x: x, name=name, **options)


def plan_of(sources: Any, last: Any, flow_type: Any = "batch", **options: Any) -> Plan:
    return make_plan(Flow(sources, [Sink()(last)], flow_type).graph(), **options)


def test_tickets_fill_all_batches_on_the_longest_way() -> None:
    """A stream has twice the batch sizes on its longest way, and one for each worker on it."""
    a = source()
    long_way = Batch(max_batch_size=3)(step()(Batch(max_batch_size=8)(a)))
    short_way = Batch(max_batch_size=5)(a)

    (planned,) = plan_of([a], step("join")(long_way, short_way), placement="process").sources

    # source, batch 8, step, batch 3, join, sink: six workers
    assert planned.tickets == 2 * (8 + 3) + 6
    assert planned.max_tickets == LIGHT_TICKETS


def test_tickets_count_each_task_of_a_batch_node() -> None:
    """Each of the workers that share a batch node holds batches of its own."""
    a = source()

    plan = plan_of([a], Batch(max_batch_size=4, nb_tasks=3)(a), placement="process")

    assert plan.sources[0].tickets == 2 * 3 * 4 + 5


@pytest.mark.parametrize(
    ("flow_type", "tickets", "want"),
    [
        pytest.param("realtime", None, (REALTIME_TICKETS, REALTIME_TICKETS), id="realtime"),
        pytest.param("realtime", 7, (7, 7), id="realtime-given"),
        pytest.param("batch", 7, (7, 7), id="batch-given"),
        pytest.param("batch", 1, (1, 1), id="batch-one"),
        pytest.param("batch", None, (2, LIGHT_TICKETS), id="batch-without-batches"),
    ],
)
def test_tickets_of_a_flow(flow_type: Any, tickets: int | None, want: tuple[int, int]) -> None:
    """Realtime has few tickets, batch as many as it can use, and a given number wins."""
    a = source()

    (planned,) = plan_of([a], a, flow_type, tickets=tickets, placement="fused").sources

    assert (planned.tickets, planned.max_tickets) == want


@pytest.mark.parametrize(
    ("tickets", "size", "notes"),
    [
        pytest.param(19, 8, (), id="enough"),
        pytest.param(
            11,
            4,
            ("batch: batch lowered from 8 to 4, because 11 tickets cannot fill it (want 19)",),
            id="too-few",
        ),
        pytest.param(
            1,
            1,
            ("batch: batch lowered from 8 to 1, because 1 tickets cannot fill it (want 19)",),
            id="one",
        ),
    ],
)
def test_a_batch_that_tickets_cannot_fill_is_lowered(
    tickets: int, size: int, notes: tuple[str, ...]
) -> None:
    """The plan lowers a batch that the given tickets cannot fill, and says so."""
    a = source()

    plan = plan_of([a], Batch(max_batch_size=8)(a), tickets=tickets, placement="process")

    policy = plan.nodes[1].batch
    assert policy is not None
    assert (policy.max_batch_size, plan.notes) == (size, notes)
    assert policy.max_turns == (2 * size if size > 1 else 1)


def test_few_tickets_without_a_batch_are_no_matter() -> None:
    """A flow without batches runs with any number of tickets."""
    a = source()

    assert plan_of([a], step()(a), tickets=1, placement="process").notes == ()


@pytest.mark.parametrize(
    ("options", "want"),
    [
        pytest.param(
            {"placement": "threads"},
            "flow 'flow': got placement='threads', want one of auto, process, fused",
            id="placement",
        ),
        pytest.param(
            {"tickets": 0}, "flow 'flow': got tickets=0, want an int >= 1", id="tickets"
        ),
    ],
)
def test_options_that_make_no_sense_are_refused(options: Any, want: str) -> None:
    """What cannot be planned is refused before anything starts."""
    a = source()

    with pytest.raises(GraphError) as refused:
        plan_of([a], a, **options)

    assert str(refused.value) == want


def groups(plan: Plan) -> list[str]:
    return [worker.name for worker in plan.workers]


@pytest.mark.parametrize(
    ("placement", "want"),
    [
        pytest.param(
            "process", ["source", "step", "shared.0", "shared.1", "sink"], id="process"
        ),
        pytest.param("fused", ["source+step+shared+sink"], id="fused"),
        pytest.param("auto", ["source", "step", "shared.0", "shared.1", "sink"], id="auto"),
    ],
)
def test_nodes_are_placed(placement: Any, want: list[str]) -> None:
    """Each node has a process of its own, one for each task, or all share one."""
    a = source()

    plan = plan_of([a], step("shared", nb_tasks=2)(step()(a)), placement=placement)

    assert groups(plan) == want


def test_light_nodes_join_their_parent() -> None:
    """By itself the planner puts a light node into the worker of its parent."""
    a = source()
    work = step("work")(a)
    graph = Flow([a], [LightSink(name="one")(work), LightSink(name="two")(a)]).graph()

    assert groups(make_plan(graph)) == ["source", "work+one", "two"]


def test_a_module_has_workers_of_its_own() -> None:
    """The nodes of a module share its workers, as many as its entry has tasks."""
    a, entry = source(), step("entry", nb_tasks=2)
    module = TaskModuleNode(entry, step("exit")(entry))(a)

    plan = plan_of([a], module, placement="process")

    assert groups(plan) == ["source", "entry+exit.0", "entry+exit.1", "sink"]


@pytest.mark.parametrize(
    ("deal", "takes", "first", "stride"),
    [
        pytest.param(Deal(), [True, True, True], 0, 1, id="alone"),
        pytest.param(Deal(1, 3), [True, True, True], 1, 3, id="frames"),
        pytest.param(Deal(1, 2, "lane"), [False, True, False], 0, 1, id="lanes"),
    ],
)
def test_frames_or_lanes_are_dealt(
    deal: Deal, takes: list[bool], first: int, stride: int
) -> None:
    """Tasks share the frames of each lane, or whole lanes."""
    assert [deal.takes_lane(lane) for lane in range(3)] == takes
    assert (deal.first, deal.stride) == (first, stride)


def test_streams_are_dealt_where_each_has_a_state() -> None:
    """A per-stream node's tasks take whole streams; others share the frames."""
    a, b = source("a"), source("b")
    shared = step("shared", nb_tasks=2)(State(nb_tasks=2)(Streams(a, b)))

    plan = plan_of([a, b], shared, placement="process")

    by_name = {node.name: node for node in plan.nodes}
    assert (by_name["state"].deal_by, by_name["shared"].deal_by) == ("lane", "seq")
    assert [by_name["state"].num_writers(lane) for lane in (0, 1)] == [1, 1]
    assert by_name["shared"].num_writers(0) == 2


def test_threads_belong_to_the_node() -> None:
    """A batch node has all cores, others one; what the node says wins."""
    a = source()

    plan = plan_of([a], Batch()(step("given", num_threads=3)(step()(a))))

    assert [node.num_threads for node in plan.nodes] == [1, 1, 3, num_cores(), 1]


def test_exits_are_where_lanes_leave() -> None:
    """Each consumer is an exit of each lane that it carries; its sources' tickets end there."""
    a, b = source("a"), source("b")

    plan = plan_of([a, b], Streams(a, b))

    assert [(e.lane, e.sources) for e in plan.exits] == [(0, (0,)), (1, (1,))]
    assert [s.exits for s in plan.sources] == [(0,), (1,)]


def test_a_plan_travels_without_its_nodes() -> None:
    """All workers get the same small plan, and put their own nodes into it."""
    a = source()
    plan = plan_of([a], step()(a))

    bare = pickle.loads(pickle.dumps(plan.without_nodes()))
    restored = bare.with_nodes({0: a})

    assert restored.graph.nodes[0].node is a
    assert restored.graph.nodes[1].node.name == "elsewhere"
    assert bare.sources == plan.sources


def test_a_plan_is_told_in_words() -> None:
    """``explain`` names workers, nodes, tickets and what the planner changed."""
    a = source("door")

    told = explain_plan(
        plan_of([a], Batch(max_batch_size=8, num_threads=2)(a), tickets=11, placement="process")
    )

    assert told == (
        "flow 'flow': batch, placement process, 3 workers\n"
        "  worker 0 'door'\n"
        "    door: IterableProducer on cpu, 1 thread\n"
        "  worker 1 'batch'\n"
        "    batch: Batch on cpu, from door, batches of up to 4, 2 threads\n"
        "  worker 2 'sink'\n"
        "    sink: Sink on cpu, from batch, 1 thread\n"
        "  stream 'door': 11 tickets\n"
        "  note: batch: batch lowered from 8 to 4, because 11 tickets cannot fill it (want 19)"
    )
