"""The engine that runs flows in processes of this machine."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from videoflow.core.engine import RunOptions
from videoflow.core.graph import Graph
from videoflow.core.report import AgeReport, NodeReport, Progress, Report
from videoflow.runtime.board import DoorRecord, age_percentile
from videoflow.runtime.explain import explain_plan
from videoflow.runtime.gpus import Gpu, visible_gpus
from videoflow.runtime.launch import Launch
from videoflow.runtime.memory import check_memory
from videoflow.runtime.plan import Plan
from videoflow.runtime.planner import make_plan
from videoflow.runtime.siting import is_on_gpu
from videoflow.runtime.station import (
    BATCH_ITEMS,
    BATCH_WAIT,
    BATCHES,
    COMPUTE,
    FAILED,
    FLUSHED,
    ITEMS,
    SKIPPED,
    WAIT,
)
from videoflow.runtime.supervisor import Supervisor

__all__ = ["LocalEngine", "LocalRun"]


class LocalEngine:
    """Runs flows in worker processes of this machine.

    Args:
        find_gpus: Returns the GPUs to use.
        device_kinds: What a device's name begins with, to ``module:Class`` of what drives it
            (a ``runtime.device.Device``).
    """

    def __init__(
        self,
        *,
        find_gpus: Callable[[], Sequence[Gpu]] = visible_gpus,
        device_kinds: Mapping[str, str] | None = None,
    ) -> None:
        self._find_gpus = find_gpus
        self._device_kinds = device_kinds

    def explain(self, graph: Graph, options: RunOptions) -> str:
        """Return in words how ``graph`` would run here."""
        return explain_plan(self._plan(graph, options))

    def start(self, graph: Graph, options: RunOptions) -> LocalRun:
        """Start ``graph``; return at once.

        Raises:
            GraphError: It cannot be planned, a node cannot be sent, or it needs more
                memory of a GPU than is free.
        """
        plan = self._plan(graph, options)
        if any(is_on_gpu(device) for node in plan.nodes for device in node.devices):
            check_memory(plan, self._find_gpus())
        launch = Launch(plan)
        supervisor = Supervisor(plan, launch)
        supervisor.start()
        return LocalRun(plan, launch, supervisor)

    def _plan(self, graph: Graph, options: RunOptions) -> Plan:
        plan = make_plan(
            graph,
            placement=options.placement,
            tickets=options.tickets,
            find_gpus=self._find_gpus,
        )
        kinds = self._device_kinds
        return plan if kinds is None else replace(plan, device_kinds=kinds)


class LocalRun:
    """A flow that runs in processes of this machine.

    Args:
        plan: What runs.
        launch: What its processes share.
        supervisor: Its supervisor, started.
    """

    def __init__(self, plan: Plan, launch: Launch, supervisor: Supervisor) -> None:
        self._plan = plan
        self._supervisor = supervisor
        self._tap_readers = launch.tap_readers
        self._sources = {source.node for source in plan.sources}

    def wait(self, timeout_seconds: float | None) -> bool:
        """Block until nothing of the flow is left; return whether that is so."""
        return self._supervisor.wait(timeout_seconds)

    def stop(self) -> None:
        """End all streams; what has entered is still delivered, within a bounded time."""
        self._supervisor.stop()

    def kill(self) -> None:
        """End all workers at once."""
        self._supervisor.kill()

    def error(self) -> BaseException | None:
        """Return what broke the flow, or None."""
        return self._supervisor.error

    def tapped(self, node: int) -> Generator[Any, None, bool]:
        """Yield the items that reach the tap ``node``; return whether these were all."""
        return iter(self._tap_readers[node])

    def progress(self) -> Progress:
        """Return where the flow is."""
        supervisor, board = self._supervisor, self._supervisor.board
        reports = [supervisor.ledger.stream_report(s.node) for s in self._plan.sources]
        totals = [source.num_items for source in self._plan.sources]
        num_dropped = sum(r.num_dropped for r in reports)
        num_home = sum(supervisor.ledger.home(s.node) for s in self._plan.sources)
        num_at_door = sum(
            r.num_read - int(board.record(s.node)[DoorRecord.ENTERED])
            for r, s in zip(reports, self._plan.sources, strict=True)
        )
        return Progress(
            num_read=sum(r.num_read for r in reports),
            num_done=num_home + num_at_door,
            num_dropped=num_dropped,
            num_total=sum(t or 0 for t in totals) if None not in totals else None,
            elapsed_seconds=supervisor.elapsed_seconds,
            is_running=supervisor.is_running,
        )

    def report(self) -> Report:
        """Return what the flow did."""
        supervisor = self._supervisor
        return Report(
            flow=self._plan.graph.name,
            ending=supervisor.ending,
            elapsed_seconds=supervisor.elapsed_seconds,
            nodes=self._node_reports(),
            streams=tuple(supervisor.ledger.stream_report(s.node) for s in self._plan.sources),
            ages=self._age_reports(),
            notes=tuple(supervisor.notes),
        )

    def _node_reports(self) -> tuple[NodeReport, ...]:
        board, elapsed = self._supervisor.board, self._supervisor.elapsed_seconds
        rows = []
        for node in self._plan.nodes:
            num_tasks = len(node.workers)
            told = np.sum([board.tasks[node.index, t] for t in range(num_tasks)], axis=0)
            rows.append((node, told, float(told[COMPUTE]) / num_tasks / max(elapsed, 1e-9)))
        # A live source is as fast as its camera, which is nobody's bottleneck.
        is_live = self._plan.graph.flow_type == "realtime"
        most = max(
            share for node, _, share in rows if not (is_live and node.index in self._sources)
        )
        return tuple(
            NodeReport(
                name=node.name,
                worker=self._plan.workers[node.workers[0]].name,
                num_tasks=len(node.workers),
                num_items=int(told[ITEMS]),
                num_skipped=int(told[SKIPPED]),
                num_failed=int(told[FAILED]),
                num_flushed=int(told[FLUSHED]),
                num_batches=int(told[BATCHES]),
                mean_batch_size=float(told[BATCH_ITEMS] / told[BATCHES])
                if told[BATCHES]
                else 1.0,
                wait_seconds=float(told[WAIT]),
                batch_wait_seconds=float(told[BATCH_WAIT]),
                compute_seconds=float(told[COMPUTE]),
                share=share,
                is_bottleneck=share == most and not (is_live and node.index in self._sources),
            )
            for node, told, share in rows
        )

    def _age_reports(self) -> tuple[AgeReport, ...]:
        board = self._supervisor.board
        return tuple(
            AgeReport(
                consumer=self._plan.nodes[e.consumer].name,
                stream=self._plan.graph.lanes[e.lane].name,
                p50_seconds=age_percentile(board.ages[e.index], 50),
                p95_seconds=age_percentile(board.ages[e.index], 95),
                p99_seconds=age_percentile(board.ages[e.index], 99),
            )
            for e in self._plan.exits
        )
