"""How fast a flow is, where its time goes, and how old its results are."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from videoflow.errors import FlowStateError

if TYPE_CHECKING:
    from videoflow.core.flow import Flow
    from videoflow.core.report import Report

__all__ = ["Measured", "NodeTime", "describe", "json_of", "measure"]


@dataclass(frozen=True, slots=True)
class NodeTime:
    """What one node takes of a flow.

    Attributes:
        name: Of the node.
        share: Its compute time as a part of the elapsed time, 0 to 1, of one of its workers.
        mean_batch_size: Items in a call.
        is_bottleneck: True for the node with the greatest share.
    """

    name: str
    share: float
    mean_batch_size: float
    is_bottleneck: bool


@dataclass(frozen=True, slots=True)
class Measured:
    """What a flow did while it was measured.

    Attributes:
        flow: Its name.
        elapsed_seconds: From its start, when all nodes were open, to its end.
        num_delivered: Frames that at least one consumer got.
        num_dropped: Frames that were too late.
        fps: Delivered frames for each elapsed second, of all streams together.
        age_p50_seconds: How old half of the frames were, at most, when the slowest consumer
            was done with them; None without frames.
        age_p95_seconds: As above, 95 in 100.
        age_p99_seconds: As above, 99 in 100.
        nodes: In the order of the flow.
    """

    flow: str
    elapsed_seconds: float
    num_delivered: int
    num_dropped: int
    fps: float
    age_p50_seconds: float | None
    age_p95_seconds: float | None
    age_p99_seconds: float | None
    nodes: tuple[NodeTime, ...]


def measure(flow: Flow, seconds: float) -> Measured:
    """Let a running flow go on for ``seconds``, or to its end, and stop it.

    Raises:
        VideoflowError: It failed.
    """
    try:
        report = flow.join(timeout_seconds=seconds)
    except FlowStateError:  # it has not ended: that is what the time is for
        flow.stop()
        report = flow.join()
    return _measured(report)


def describe(measured: Measured) -> str:
    """Return lines for people."""
    lines = [
        f"flow {measured.flow}: {measured.fps:.1f} frames/s "
        f"({measured.num_delivered} in {measured.elapsed_seconds:.1f} s)"
    ]
    if measured.num_dropped:
        lines.append(f"dropped: {measured.num_dropped}")
    ages = (measured.age_p50_seconds, measured.age_p95_seconds, measured.age_p99_seconds)
    if None not in ages:
        told = (f"p{n} {age:.3f} s" for n, age in zip((50, 95, 99), ages, strict=True))
        lines.append(f"age of a frame when it is done: {', '.join(told)}")
    width = max(len(node.name) for node in measured.nodes)
    for node in measured.nodes:
        batch = f"  batches of {node.mean_batch_size:.1f}" if node.mean_batch_size > 1 else ""
        mark = "  <- bottleneck" if node.is_bottleneck else ""
        lines.append(f"  {node.name.ljust(width)}  {node.share:4.0%}{batch}{mark}")
    return "\n".join(lines)


def json_of(measured: Measured) -> str:
    """Return the same as a JSON object."""
    return json.dumps(asdict(measured), indent=2, allow_nan=False)


def _measured(report: Report) -> Measured:
    num_delivered = sum(stream.num_delivered for stream in report.streams)
    p50, p95, p99 = (
        max(ages) if ages else None
        for ages in (
            [age for age in column if not math.isnan(age)]
            for column in (
                [age.p50_seconds for age in report.ages],
                [age.p95_seconds for age in report.ages],
                [age.p99_seconds for age in report.ages],
            )
        )
    )
    return Measured(
        flow=report.flow,
        elapsed_seconds=report.elapsed_seconds,
        num_delivered=num_delivered,
        num_dropped=sum(stream.num_dropped for stream in report.streams),
        fps=num_delivered / report.elapsed_seconds if report.elapsed_seconds else 0.0,
        age_p50_seconds=p50,
        age_p95_seconds=p95,
        age_p99_seconds=p99,
        nodes=tuple(
            NodeTime(n.name, n.share, n.mean_batch_size, n.is_bottleneck) for n in report.nodes
        ),
    )
