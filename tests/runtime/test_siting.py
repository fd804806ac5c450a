"""Where nodes are, and how much memory a plan takes of a GPU."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import pytest

from tests.fake_device import fake_engine
from videoflow.consumers import CsvWriter
from videoflow.core import (
    BatchProcessorNode,
    ConsumerNode,
    Flow,
    FlowType,
    FunctionProcessor,
    IterableProducer,
    OneTaskProcessorNode,
    ProcessorNode,
    ProducerNode,
    Streams,
)
from videoflow.errors import GraphError
from videoflow.processors import ByteTracker, LineCounter
from videoflow.runtime import placement as placing
from videoflow.runtime.explain import explain_plan
from videoflow.runtime.gpus import Gpu, visible_gpus
from videoflow.runtime.memory import plan_host_slots, plan_memory
from videoflow.runtime.plan import Plan
from videoflow.runtime.planner import make_plan

MIB = 1 << 20


class Camera(ProducerNode):
    auto_device = "gpu"

    @property
    def item_bytes(self) -> int | None:
        return 3 * MIB

    def next(self) -> Any:
        raise StopIteration


class Nameless(Camera):
    @property
    def item_bytes(self) -> int | None:
        return None


class Model(BatchProcessorNode):
    auto_device = "gpu"

    @property
    def model_bytes(self) -> int:
        return 100 * MIB

    def process_batch(self, batch: Sequence[Any]) -> Sequence[Any]:
        return batch


class Sink(ConsumerNode):
    def consume(self, *inputs: Any) -> None:
        pass


def plan_of(producers: Any, *last: Any, num_gpus: int = 2, **options: Any) -> Plan:
    flow = Flow(producers, [Sink(name=f"sink{n}")(one) for n, one in enumerate(last)])
    gpus = [Gpu(f"cuda:{n}") for n in range(num_gpus)]
    return make_plan(flow.graph(), find_gpus=lambda: gpus, **options)


def devices(plan: Plan) -> dict[str, str]:
    return {node.name: " ".join(node.devices) for node in plan.nodes}


def step(name: str = "step", **options: Any) -> FunctionProcessor:
    return FunctionProcessor(lambda x: x, name=name, **options)


def test_what_follows_a_gpu_stays_on_it() -> None:
    """Nodes without a wish are where their inputs are; a GPU is never left by itself."""
    camera = Camera(name="camera")

    plan = plan_of([camera], step()(camera))

    assert devices(plan) == {"camera": "cuda:0", "step": "cuda:0", "sink0": "cuda:0"}


def test_what_takes_boxes_is_on_the_cpu() -> None:
    """Trackers, counters and writers of rows take no memory of a GPU; pictures stay there."""
    camera = Camera(name="camera")
    tracks = ByteTracker(name="track")(Model(name="model")(camera))
    counts = LineCounter((0, 9), (9, 9), name="count")(tracks)
    flow = Flow(
        [camera],
        [
            CsvWriter("rows.csv", name="rows")(counts),
            Sink(name="pictures")(step("draw")(camera, tracks)),
        ],
    )

    plan = make_plan(flow.graph(), find_gpus=lambda: [Gpu("cuda:0")])

    on_cpu = {name for name, device in devices(plan).items() if device == "cpu"}
    assert on_cpu == {"track", "count", "rows"}


def test_a_named_gpu_holds_for_what_takes_boxes_too() -> None:
    """Who names a GPU gets it, whatever the node."""
    camera = Camera(name="camera")

    plan = plan_of([camera], ByteTracker(name="track", device="cuda")(camera))

    assert devices(plan)["track"] == "cuda:0"


def test_a_model_takes_a_gpu_for_host_frames() -> None:
    """A node that wants a GPU has one although its inputs are in host memory."""
    source = IterableProducer([], name="source")

    plan = plan_of([source], Model(name="model")(source))

    assert devices(plan) == {"source": "cpu", "model": "cuda:0", "sink0": "cuda:0"}


def test_a_wish_is_granted() -> None:
    """A named device is where the node is, and who follows it follows."""
    camera = Camera(name="camera")
    model = Model(name="model", device="cuda:1")(step(device="cpu")(camera))

    plan = plan_of([camera], step("after")(model))

    assert devices(plan) == {
        "camera": "cuda:0",
        "step": "cpu",
        "model": "cuda:1",
        "after": "cuda:1",
        "sink0": "cuda:1",
    }


def test_without_gpus_all_is_on_the_cpu() -> None:
    """The same flow runs where there is no GPU, and nobody looks for one without need."""
    camera = Camera(name="camera")

    plan = plan_of([camera], Model(name="model")(camera), num_gpus=0)

    assert set(devices(plan).values()) == {"cpu"}
    assert plan_memory(plan) == ()


def test_nobody_looks_for_gpus_without_need() -> None:
    """A flow of ints is planned without asking for GPUs."""
    source = IterableProducer([])

    def find_gpus() -> tuple[Gpu, ...]:
        raise AssertionError("asked")

    make_plan(Flow([source], [Sink()(source)]).graph(), find_gpus=find_gpus)


def test_parts_go_round_the_gpus() -> None:
    """Parts of a flow that have nothing to do with each other have a GPU each."""
    a, b = Camera(name="a"), Camera(name="b")

    plan = plan_of([a, b], Model(name="one")(a), Model(name="other")(b))

    assert [devices(plan)[name] for name in ("a", "one", "b", "other")] == [
        *["cuda:0"] * 2,
        *["cuda:1"] * 2,
    ]


def test_merged_streams_are_spread_and_each_gpu_has_its_copy_of_the_chain() -> None:
    """Each stream stays on its GPU, where a task of each node takes it."""
    cameras = [Camera(name=name) for name in "abc"]
    model = Model(name="model")(Streams(*cameras))

    plan = plan_of(cameras, step()(model))

    both = "cuda:0 cuda:1"
    assert [devices(plan)[c.name] for c in cameras] == ["cuda:0", "cuda:1", "cuda:0"]
    assert (devices(plan)["model"], devices(plan)["step"]) == (both, both)
    for node in plan.nodes:
        for lane in plan.graph.nodes[node.index].lanes:
            if len(node.devices) > 1:
                assert node.device_of(lane) == plan.nodes[lane].devices[0]


def test_what_takes_boxes_has_tasks_for_each_gpu() -> None:
    """As many trackers as there would be on the GPUs, none of which holds up another."""
    cameras = [Camera(name=name) for name in "abc"]
    model = Model(name="model")(Streams(*cameras))
    tracks = ByteTracker(name="track", nb_tasks=2)(model)

    plan = plan_of(cameras, step("draw")(Streams(*cameras), tracks))

    assert devices(plan)["track"] == "cpu cpu cpu cpu"
    assert devices(plan)["draw"] == "cuda:0 cuda:1"


@pytest.mark.parametrize(
    ("options", "num_streams"),
    [
        pytest.param({"placement": "fused"}, 2, id="fused"),
        pytest.param({"num_gpus": 1}, 2, id="one GPU"),
        pytest.param({}, 1, id="one stream"),
    ],
)
def test_some_flows_stay_on_one_gpu(options: Any, num_streams: int) -> None:
    """One worker, one GPU or one stream: nothing is spread."""
    cameras = [Camera(name=f"c{n}") for n in range(num_streams)]

    plan = plan_of(cameras, Model()(Streams(*cameras)), **options)

    assert set(devices(plan).values()) == {"cuda:0"}


def test_streams_that_are_paired_stay_together() -> None:
    """Frames that a join needs are on one GPU."""
    a, b = Camera(name="a"), Camera(name="b")

    plan = plan_of([a, b], step()(Model(name="left")(a), Model(name="right")(b)))

    assert set(devices(plan).values()) == {"cuda:0"}


def test_a_node_of_one_state_is_on_one_gpu() -> None:
    """What cannot have several tasks gets the streams of all GPUs."""

    class One(OneTaskProcessorNode):
        def process(self, *inputs: Any) -> Any:
            return inputs

    cameras = [Camera(name=name) for name in "ab"]
    one = One(name="one")(Model(name="model")(Streams(*cameras)))

    plan = plan_of(cameras, step()(one))

    assert devices(plan)["one"] == devices(plan)["step"] == "cuda:0"
    here = next(node for node in plan.nodes if node.name == "one")
    assert plan.gets_foreign_tensors(here.index, 0)


def test_memory_is_planned() -> None:
    """Slots by tickets, models by tasks, contexts by workers."""
    camera = Camera(name="camera")
    model = Model(name="model", nb_tasks=2, max_batch_size=4)(camera)

    plan = plan_of([camera], model, placement="process")
    (memory,) = plan_memory(plan)

    assert memory.slot_bytes == plan.sources[0].tickets * 3 * MIB
    assert memory.model_bytes == 200 * MIB
    assert memory.context_bytes == 500 * MIB * 4  # camera, two models, sink
    assert memory.is_complete
    assert f"memory of cuda:0: slots {memory.slot_bytes // MIB} MiB, models 200 MiB" in (
        explain_plan(plan)
    )


class Painter(ProcessorNode):
    """Puts out a picture for each picture."""

    makes_frames: ClassVar[bool] = True

    def process(self, *inputs: Any) -> Any:
        return inputs[0]


@pytest.mark.parametrize(
    ("flow_type", "num_read", "num_painted"),
    [
        pytest.param("batch", 5, 5, id="batch"),
        pytest.param("realtime", 5 + 2, 5, id="realtime"),
    ],
)
def test_slots_of_the_host_are_told(
    flow_type: FlowType, num_read: int, num_painted: int
) -> None:
    """Each node that puts out frames has a slot a ticket, and a realtime source two more."""
    camera, other = Camera(name="camera"), Nameless(name="other")
    painter = Painter(name="paint")(camera)
    flow = Flow([camera, other], [Sink()(painter), Sink()(step()(other))], flow_type)

    plan = make_plan(flow.graph(), find_gpus=list, tickets=5)

    read, painted = num_read * 3, num_painted * 3
    assert plan_host_slots(plan) == {
        "camera": read * MIB,
        "paint": painted * MIB,
        "other": None,
    }
    assert (
        f"memory of the host: slots {read + painted}.0 MiB (camera {read}.0 MiB, "
        f"paint {painted}.0 MiB), and frames of unknown size"
    ) in explain_plan(plan)


def test_without_frames_nothing_is_said_of_memory() -> None:
    """Slots of small items cost next to nothing, and nobody knows how many there are."""
    source = IterableProducer([1, 2], name="source")

    told = explain_plan(plan_of([source], step()(source)))

    assert "memory" not in told


def test_frames_of_unknown_size_are_told() -> None:
    """What nobody knows is not counted, and said."""
    camera = Nameless(name="camera")

    plan = plan_of([camera], Model()(camera))

    assert not plan_memory(plan)[0].is_complete
    assert "slots 0 MiB and frames of unknown size" in explain_plan(plan)


def test_what_cannot_fit_is_refused() -> None:
    """A flow that needs more than is free does not start, and the error says for what."""
    camera = Camera(name="camera")
    flow = Flow([camera], [Sink()(Model()(camera))])

    with pytest.raises(GraphError, match=r"GiB for slots.*0\.50 GiB are free"):
        flow.run(engine=fake_engine(free_bytes=512 * MIB))


def test_a_machine_without_a_driver_has_no_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    """No driver, no GPUs, no error, and no torch to find that out."""

    def no_library(name: str) -> None:
        raise OSError(name)

    monkeypatch.setattr("ctypes.CDLL", no_library)

    assert visible_gpus() == ()


@pytest.mark.parametrize(
    ("num_cameras", "cores", "placement", "want"),
    [
        pytest.param(1, 16, "auto", [1], id="one"),
        pytest.param(8, 2, "auto", [8], id="as-many-as-fit"),
        pytest.param(9, 2, "auto", [5, 4], id="about-equal"),
        pytest.param(32, 2, "auto", [8, 8, 8, 8], id="many"),
        pytest.param(2, 16, "auto", [1, 1], id="fewer-than-cores-are-good-for"),
        pytest.param(8, 16, "auto", [2, 2, 2, 2], id="as-cores-are-good-for"),
        pytest.param(40, 16, "auto", [8, 8, 8, 8, 8], id="more-than-cores-are-good-for"),
        pytest.param(3, 16, "process", [1, 1, 1], id="process"),
    ],
)
def test_sources_of_a_gpu_share_workers(
    num_cameras: int,
    cores: int,
    placement: Any,
    want: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Up to eight sources of one GPU are threads of one worker, fewer if there are cores."""
    monkeypatch.setattr(placing, "num_cores", lambda: cores)
    cameras = [Camera(name=f"c{n}") for n in range(num_cameras)]

    plan = plan_of(cameras, Model()(Streams(*cameras)), num_gpus=1, placement=placement)

    readers = [w for w in plan.workers if w.nodes[0] < num_cameras]
    assert [len(worker.nodes) for worker in readers] == want
    assert {s.shares_worker for s in plan.sources} == {max(want) > 1}
    (memory,) = plan_memory(plan)
    assert memory.context_bytes == (len(want) + 1 + 1) * 500 * MIB  # readers, model, sink
    told = explain_plan(plan).count("reads in a thread of its own")
    assert told == (num_cameras if max(want) > 1 else 0)


def test_each_gpu_has_its_own_workers_for_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sources of two GPUs never share a worker, and those of the CPU share none."""
    monkeypatch.setattr(placing, "num_cores", lambda: 8)
    cameras = [Camera(name=f"c{n}") for n in range(4)]
    others = [Camera(name=f"h{n}", device="cpu") for n in range(2)]

    plan = plan_of([*cameras, *others], Model()(Streams(*cameras)), step()(Streams(*others)))

    names = {worker.name for worker in plan.workers}
    assert {"c0+c2", "c1+c3", "h0", "h1"} <= names
