"""How fast a flow is, where its time goes, and how old its results are."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

from videoflow.errors import FlowStateError

if TYPE_CHECKING:
    from videoflow.core.flow import Flow
    from videoflow.core.report import Progress, Report

__all__ = ["Measured", "NodeTime", "describe", "json_of", "measure"]

_POLL_SECONDS: Final = 0.02


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
        elapsed_seconds: From the first frame that came through to the stop, or to the end.
        num_frames: Frames that came through in this time, dropped ones included.
        num_dropped: Of these, frames that were too late.
        fps: Frames that came through and were not dropped, for each elapsed second, of all
            streams together.
        age_p50_seconds: How old half of the frames were, at most, when the slowest consumer
            was done with them; None without frames.
        age_p95_seconds: As above, 95 in 100.
        age_p99_seconds: As above, 99 in 100.
        nodes: In the order of the flow.
    """

    flow: str
    elapsed_seconds: float
    num_frames: int
    num_dropped: int
    fps: float
    age_p50_seconds: float | None
    age_p95_seconds: float | None
    age_p99_seconds: float | None
    nodes: tuple[NodeTime, ...]


def measure(flow: Flow, seconds: float) -> Measured:
    """Let a running flow go on for ``seconds`` from its first frame, or to its end; stop it.

    Raises:
        VideoflowError: It failed.
    """
    with flow:  # whatever happens, nothing goes on afterwards
        before = _first_done(flow)
        try:
            flow.join(timeout_seconds=seconds)
        except FlowStateError:  # it has not ended: that is what the time is for
            after = flow.progress()
            flow.stop()
        else:
            after = flow.progress()
        return _measured(flow.join(), before, after)


def _first_done(flow: Flow) -> Progress:
    """Wait until a frame has come through: models are loaded and have run once."""
    while True:
        progress = flow.progress()
        if progress.num_done or not progress.is_running:
            return progress
        time.sleep(_POLL_SECONDS)


def describe(measured: Measured) -> str:
    """Return lines for people."""
    lines = [
        f"flow {measured.flow}: {measured.fps:.1f} frames/s "
        f"({measured.num_frames} in {measured.elapsed_seconds:.1f} s)"
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


def _measured(report: Report, before: Progress, after: Progress) -> Measured:
    num_frames = after.num_done - before.num_done
    num_dropped = after.num_dropped - before.num_dropped
    elapsed_seconds = after.elapsed_seconds - before.elapsed_seconds
    ages = report.ages
    return Measured(
        flow=report.flow,
        elapsed_seconds=elapsed_seconds,
        num_frames=num_frames,
        num_dropped=num_dropped,
        fps=(num_frames - num_dropped) / elapsed_seconds if elapsed_seconds > 0 else 0.0,
        age_p50_seconds=_greatest(age.p50_seconds for age in ages),
        age_p95_seconds=_greatest(age.p95_seconds for age in ages),
        age_p99_seconds=_greatest(age.p99_seconds for age in ages),
        nodes=tuple(
            NodeTime(n.name, n.share, n.mean_batch_size, n.is_bottleneck) for n in report.nodes
        ),
    )


def _greatest(ages_seconds: Iterable[float]) -> float | None:
    return max((age for age in ages_seconds if not math.isnan(age)), default=None)
