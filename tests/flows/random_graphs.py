"""Random flows as values, the nodes to build them with, and their plain evaluation."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from hypothesis import strategies as st

from videoflow.core import (
    SKIP,
    BatchProcessorNode,
    ConsumerNode,
    Flow,
    FlowType,
    PerStreamProcessorNode,
    ProcessorNode,
    ProducerNode,
    Streams,
)

LARGE = 9000  # bytes: goes into a slot


@dataclass(frozen=True)
class NodeSpec:
    """One node of a random flow.

    Attributes:
        kind: What it does; see ``build``.
        parents: For each input the indices of earlier nodes; several are a merge.
        number: What distinguishes it from others of its kind.
        nb_tasks: Workers that share it.
    """

    kind: str
    parents: tuple[tuple[int, ...], ...]
    number: int
    nb_tasks: int = 1


@dataclass(frozen=True)
class FlowSpec:
    """A random flow: sources first, then nodes; consumers stand at the listed nodes."""

    lengths: tuple[int, ...]
    nodes: tuple[NodeSpec, ...]
    consumers: tuple[int, ...]


class Source(ProducerNode):
    def __init__(
        self, number: int, length: int, pause_seconds: float = 0.0, **options: Any
    ) -> None:
        super().__init__(name=f"s{number}", **options)
        self.number, self.length, self.at = number, length, 0
        self.pause_seconds = pause_seconds

    def next(self) -> Any:
        if self.at >= self.length:
            raise StopIteration
        self.at += 1
        if self.pause_seconds:
            time.sleep(self.pause_seconds)
        return source_value(self.number, self.at - 1)


class DeviceSource(Source):
    """A source on a GPU; what drives that wants torch."""

    preload: ClassVar[tuple[str, ...]] = ("torch",)

    def __init__(self, number: int, length: int, pause_seconds: float = 0.0) -> None:
        super().__init__(number, length, pause_seconds, device="cuda")


class Map(ProcessorNode):
    def __init__(self, number: int, **options: Any) -> None:
        super().__init__(name=f"map{number}", **options)
        self.number = number

    def process(self, *inputs: Any) -> Any:
        return mapped(self.number, inputs)


class Picture(ProcessorNode):
    """Adds a large array that says what it belongs to."""

    def __init__(self, number: int, **options: Any) -> None:
        super().__init__(name=f"picture{number}", **options)
        self.number = number

    def process(self, *inputs: Any) -> Any:
        value = mapped(self.number, inputs)
        pixels = self.slot((LARGE,)) if value % 2 else np.empty(LARGE, np.uint8)
        pixels[:] = value % 251
        return value, pixels


class Skipper(ProcessorNode):
    def __init__(self, number: int, **options: Any) -> None:
        super().__init__(name=f"skip{number}", **options)
        self.number = number

    def process(self, *inputs: Any) -> Any:
        return skipped(self.number, inputs)


class Failer(ProcessorNode):
    def __init__(self, number: int, **options: Any) -> None:
        super().__init__(name=f"fail{number}", on_error="skip", **options)
        self.number = number

    def process(self, *inputs: Any) -> Any:
        value = mapped(self.number, inputs)
        if value % 4 == 0:
            raise RuntimeError("as asked for")
        return value


class Batcher(BatchProcessorNode):
    def __init__(self, number: int, **options: Any) -> None:
        super().__init__(name=f"batch{number}", max_batch_size=1 + number % 5, **options)
        self.number = number

    def process_batch(self, batch: Sequence[Any]) -> Sequence[Any]:
        assert 1 <= len(batch) <= self.max_batch_size
        rows = [item if self.is_join else (item,) for item in batch]
        return [skipped(self.number, row) for row in rows]

    is_join = False


class RunningCount(PerStreamProcessorNode[list[int]]):
    """Counts per stream, and says its count once more at the end."""

    def __init__(self, number: int, **options: Any) -> None:
        super().__init__(name=f"count{number}", **options)
        self.number = number

    def make_state(self, stream: str) -> list[int]:
        return [0]

    def process(self, state: list[int], *inputs: Any) -> Any:
        state[0] += mapped(self.number, inputs) % 10
        return state[0]

    def flush(self, state: list[int]) -> Iterator[Any]:
        for extra in range(self.number % 4):
            yield state[0] + extra


class Collect(ConsumerNode):
    """Writes what it got to a file of JSON lines, when all streams have ended."""

    def __init__(self, path: Path, number: int) -> None:
        super().__init__(name=f"collect{number}")
        self.path, self.got = path, []  # type: ignore[var-annotated]

    def consume(self, *inputs: Any) -> None:
        self.got.append([checked(one) for one in inputs])

    def close(self) -> None:
        self.path.write_text(json.dumps(self.got))


def source_value(number: int, at: int) -> int:
    return number * 1000 + at


def checked(value: Any) -> int:
    """Return the number in a value; a picture must still hold what was written."""
    if isinstance(value, tuple):
        number, pixels = value
        assert pixels.shape == (LARGE,)
        assert (pixels == number % 251).all(), "a slot was written while it was lent"
        return int(number)
    return int(value)


def mapped(number: int, inputs: Sequence[Any]) -> int:
    total = number
    for place, value in enumerate(inputs):
        total = total * 31 + (place + 1) * checked(value)
    return total % 100_003


def skipped(number: int, inputs: Sequence[Any]) -> Any:
    value = mapped(number, inputs)
    return SKIP if value % 3 == 0 else value


KINDS = {
    "map": Map,
    "picture": Picture,
    "skip": Skipper,
    "fail": Failer,
    "batch": Batcher,
    "count": RunningCount,
}


def build(
    spec: FlowSpec,
    folder: Path,
    *,
    flow_type: FlowType,
    placement: Any,
    pause_seconds: float = 0,
    has_gpu: bool = False,
) -> Flow:
    """Return the flow that ``spec`` describes; consumer i writes ``folder/i.json``.

    With ``has_gpu`` the sources are on a GPU, and so threads of one worker.
    """
    kind = DeviceSource if has_gpu else Source
    sources = [kind(i, n, pause_seconds) for i, n in enumerate(spec.lengths)]
    nodes: list[Any] = list(sources)
    for one in spec.nodes:
        node: Any = KINDS[one.kind](one.number, nb_tasks=one.nb_tasks)
        if one.kind == "batch":
            node.is_join = len(one.parents) > 1
        ports = [
            nodes[port[0]] if len(port) == 1 else Streams(*(nodes[i] for i in port))
            for port in one.parents
        ]
        nodes.append(node(*ports))
    consumers = [
        Collect(folder / f"{i}.json", i)(nodes[at]) for i, at in enumerate(spec.consumers)
    ]
    used = reached(spec)
    return Flow(
        [s for i, s in enumerate(sources) if i in used],
        consumers,
        flow_type,
        placement=placement,
    )


def reached(spec: FlowSpec) -> set[int]:
    """Return the indices of nodes that consumers reach."""
    found: set[int] = set()
    stack = list(spec.consumers)
    while stack:
        at = stack.pop()
        if at not in found:
            found.add(at)
            if at >= len(spec.lengths):
                stack += [
                    i for port in spec.nodes[at - len(spec.lengths)].parents for i in port
                ]
    return found


Lanes = dict[tuple[int, ...], list[Any]]
"""For each lane (its sources) its values in order; SKIP where a frame was given up."""


def evaluate(spec: FlowSpec) -> list[dict[tuple[int, ...], list[list[int]]]]:
    """Return, for each consumer, what it gets of each lane, computed without any engine."""
    outputs: list[Lanes] = [
        {(i,): [source_value(i, at) for at in range(n)]} for i, n in enumerate(spec.lengths)
    ]
    for one in spec.nodes:
        ports = [merge([outputs[i] for i in port]) for port in one.parents]
        outputs.append({key: evaluate_lane(one, rows) for key, rows in paired(ports).items()})
    return [
        {key: [[v] for v in values if v is not SKIP] for key, values in outputs[at].items()}
        for at in spec.consumers
    ]


def merge(parts: Sequence[Lanes]) -> Lanes:
    merged: Lanes = {}
    for part in parts:
        merged.update(part)
    return merged


def paired(ports: Sequence[Lanes]) -> dict[tuple[int, ...], list[tuple[Any, ...]]]:
    if all(port.keys() == ports[0].keys() for port in ports):
        return {key: padded([port[key] for port in ports]) for key in ports[0]}
    key = tuple(dict.fromkeys(i for port in ports for i in next(iter(port))))
    return {key: padded([next(iter(port.values())) for port in ports])}


def padded(columns: Sequence[list[Any]]) -> list[tuple[Any, ...]]:
    longest = max(len(column) for column in columns)
    filled = [column + [SKIP] * (longest - len(column)) for column in columns]
    return list(zip(*filled, strict=True))


def evaluate_lane(one: NodeSpec, rows: Sequence[tuple[Any, ...]]) -> list[Any]:
    out: list[Any] = []
    count = 0
    for row in rows:
        if any(value is SKIP for value in row):
            out.append(SKIP)
        elif one.kind in ("map", "picture"):
            out.append(mapped(one.number, row))
        elif one.kind in ("skip", "batch"):
            out.append(skipped(one.number, row))
        elif one.kind == "fail":
            value = mapped(one.number, row)
            out.append(SKIP if value % 4 == 0 else value)
        else:
            count += mapped(one.number, row) % 10
            out.append(count)
    if one.kind == "count":
        out += [count + extra for extra in range(one.number % 4)]
    return out


@st.composite
def flow_specs(draw: st.DrawFn, *, may_pair: bool) -> FlowSpec:
    """Draw a flow: fan-out, joins, merges, batches, replicas, skips, failures, flushes.

    Args:
        draw: Given by hypothesis.
        may_pair: Whether joins may pair different sources.
    """
    num_sources = draw(st.integers(1, 3))
    lengths = tuple(draw(st.integers(0, 40)) for _ in range(num_sources))
    carried: list[frozenset[tuple[int, ...]]] = [frozenset({(i,)}) for i in range(num_sources)]
    nodes: list[NodeSpec] = []
    for number in range(draw(st.integers(1, 6))):
        kind = draw(st.sampled_from(sorted(KINDS)))
        first = draw(st.integers(0, len(carried) - 1))
        parents: tuple[tuple[int, ...], ...] = ((first,),)
        lanes = carried[first]
        shape = draw(st.sampled_from(["one", "one", "join", "merge", "pair"]))
        others = range(len(carried))
        if shape == "join":
            mates = [i for i in others if carried[i] == lanes]
            parents = ((first,), (draw(st.sampled_from(mates)),))
        elif shape == "merge":
            apart = [i for i in others if not carried[i] & lanes]
            if apart:
                other = draw(st.sampled_from(apart))
                parents = ((first, other),)
                lanes = lanes | carried[other]
        elif shape == "pair" and may_pair and len(lanes) == 1:
            single = [i for i in others if len(carried[i]) == 1 and carried[i] != lanes]
            if single:
                other = draw(st.sampled_from(single))
                key = tuple(dict.fromkeys((*next(iter(lanes)), *next(iter(carried[other])))))
                parents = ((first,), (other,))
                lanes = frozenset({key})
        nb_tasks = draw(st.sampled_from([1, 1, 1, 2, 3]))
        nodes.append(NodeSpec(kind, parents, number, nb_tasks))
        carried.append(lanes)
    at = st.integers(num_sources, len(carried) - 1)
    consumers = tuple(draw(st.lists(at, min_size=1, max_size=3)))
    return FlowSpec(lengths, tuple(nodes), consumers)
