"""Makes what a flow's processes share, starts the keeper, and has it fork the workers."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterable
from typing import Any

import cloudpickle

from videoflow.core.node import Node
from videoflow.core.tap import Tap, TapPolicy
from videoflow.errors import GraphError
from videoflow.runtime.board import Board, create_memory
from videoflow.runtime.channel import open_channel
from videoflow.runtime.control import ControlSocket, control_pair
from videoflow.runtime.output import OutputPump
from videoflow.runtime.plan import Plan
from videoflow.runtime.rings import visible_rings
from videoflow.runtime.slots import ring_index
from videoflow.runtime.taps import TapReader

__all__ = ["Launch"]

_BOOT = (
    "import sys, json; sys.path[:] = json.loads(sys.argv[3]); "
    "from videoflow.runtime.keeper import main; main(int(sys.argv[1]), int(sys.argv[2]))"
)
_KEEPER_GRACE_SECONDS = 2.0

_THREADS_THAT_SLEEP = {"OMP_WAIT_POLICY": "PASSIVE"}
"""Threads of one worker that spin while they wait take the cores from the other workers
(YOLOX-nano, batch 4, 2 threads on 2 busy cores: 22 to 106 ms a frame spinning, 10 to 15
sleeping). What the caller's environment says wins."""


class Launch:
    """The keeper of one flow and all descriptors that its processes share.

    Args:
        plan: What to run.

    Raises:
        GraphError: A node cannot be sent to a worker.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        specs = [_spec(plan, worker.index) for worker in plan.workers]
        self.board = Board(plan)
        self._rings = {
            ring_index(n.index, task): create_memory(f"ring-{n.name}", 0)
            for n in plan.nodes
            for task in range(len(n.workers))
        }
        self._bells = {
            w.index: os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK) for w in plan.workers
        }
        self._taps = {
            n.index: socket.socketpair() for n in plan.graph.nodes if isinstance(n.node, Tap)
        }
        self.tap_readers = {
            n: TapReader(ends[0], _policy(plan, n)) for n, ends in self._taps.items()
        }
        outs = [os.pipe2(os.O_CLOEXEC) for _ in range(2)]
        for reader, _ in outs:
            os.set_blocking(reader, False)
        self._outputs = tuple(writer for _, writer in outs)
        self.pumps = (OutputPump(outs[0][0], "stdout"), OutputPump(outs[1][0], "stderr"))
        self.keeper, self._process = _start_keeper()
        self.controls: dict[int, ControlSocket] = {}
        self.keeper.send(("preload", _preload(plan)))
        channels = {pair: open_channel() for pair in _pairs(plan)}
        for worker, spec in zip(plan.workers, specs, strict=True):
            self._fork(worker.index, spec, channels)
        _close_all(fd for ends in channels.values() for fd in ends)
        if not any(worker.restarts for worker in plan.workers):
            self.close_outputs()
        for _, theirs in self._taps.values():
            theirs.close()

    def close_outputs(self) -> None:
        """Close our ends of the standard streams, so that their end can be seen."""
        _close_all(self._outputs)
        self._outputs = ()

    def start_again(self, worker: int) -> None:
        """Have a worker that is gone forked anew, and give its neighbours new channels."""
        self.controls[worker].close()
        pairs = [pair for pair in _pairs(self._plan) if worker in pair]
        channels = {pair: open_channel() for pair in pairs}
        self._fork(worker, _spec(self._plan, worker), channels)
        for other in {one for pair in pairs for one in pair} - {worker}:
            ends: dict[str, int] = {}
            if (worker, other) in channels:
                ends["reader"] = channels[worker, other][0]
            if (other, worker) in channels:
                ends["writer"] = channels[other, worker][1]
            self.controls[other].send(("replaced", worker, list(ends)), list(ends.values()))
        _close_all(fd for ends in channels.values() for fd in ends)

    def end(self) -> None:
        """Let the keeper kill what is left and end; close every descriptor but the pumps'."""
        self.keeper.close()
        try:
            self._process.wait(_KEEPER_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for control in self.controls.values():
            control.close()
        self.close_outputs()
        _close_all((*self._rings.values(), *self._bells.values(), self.board.fd))

    def _fork(
        self, worker: int, spec: bytes, channels: dict[tuple[int, int], tuple[int, int]]
    ) -> None:
        ours, theirs = control_pair()
        self.controls[worker] = ours
        spec_fd = create_memory("spec", len(spec))
        os.pwrite(spec_fd, spec, 0)
        fds: list[int] = []

        def at(fd: int) -> int:
            fds.append(fd)
            return len(fds) - 1

        here = self._plan.workers[worker]
        roles: dict[str, Any] = {
            "control": at(theirs.fileno()),
            "board": at(self.board.fd),
            "spec": at(spec_fd),
            "bells": {
                w: at(bell)
                for w, bell in self._bells.items()
                if w == worker or w in _bells_to_ring(self._plan, worker)
            },
            "rings": {r: at(self._rings[r]) for r in visible_rings(self._plan, worker)},
            "readers": {a: at(ends[0]) for (a, b), ends in channels.items() if b == worker},
            "writers": {b: at(ends[1]) for (a, b), ends in channels.items() if a == worker},
            "taps": {n: at(self._taps[n][1].fileno()) for n in here.nodes if n in self._taps},
            "stdout": at(self._outputs[0]),
            "stderr": at(self._outputs[1]),
        }
        self.keeper.send(("fork", here.index, roles), fds)
        theirs.close()
        os.close(spec_fd)


def _close_all(fds: Iterable[int]) -> None:
    for fd in fds:
        os.close(fd)


def _policy(plan: Plan, node: int) -> TapPolicy:
    tap = plan.graph.nodes[node].node
    assert isinstance(tap, Tap)
    return tap.policy


def _spec(plan: Plan, worker: int) -> bytes:
    """Return a plan and a worker's nodes as bytes; classes of ``__main__`` go along."""
    nodes: dict[int, Node] = {i: plan.graph.nodes[i].node for i in plan.workers[worker].nodes}
    try:
        data: bytes = cloudpickle.dumps((plan.without_nodes(), nodes))
    except Exception as error:
        for index, node in nodes.items():
            _refuse_unpicklable(plan, index, node)
        raise GraphError(f"worker {plan.workers[worker].name!r} cannot be pickled") from error
    return data


def _refuse_unpicklable(plan: Plan, index: int, node: Node) -> None:
    try:
        cloudpickle.dumps(node)
    except Exception as error:
        raise GraphError(
            f"flow {plan.graph.name!r}, node {plan.nodes[index].name!r}: cannot be sent to a "
            f"worker: {error}",
            help="make connections, files and locks in open(), not in the constructor",
        ) from error


def _pairs(plan: Plan) -> list[tuple[int, int]]:
    """Return the pairs of workers between which items travel."""
    pairs: dict[tuple[int, int], None] = {}
    for node in plan.graph.nodes:
        for child in plan.graph.children(node.index):
            theirs = plan.nodes[child].workers
            mine = plan.nodes[node.index].workers
            if mine == theirs:
                continue
            pairs.update({(a, b): None for a in mine for b in theirs})
    return list(pairs)


def _bells_to_ring(plan: Plan, worker: int) -> set[int]:
    """Return the workers of the producers whose tickets come home at ``worker``."""
    consumers = set(plan.workers[worker].nodes)
    return {
        plan.nodes[source].workers[0]
        for e in plan.exits
        if e.consumer in consumers
        for source in e.sources
    }


def _preload(plan: Plan) -> list[str]:
    return list(dict.fromkeys(module for w in plan.workers for module in w.preload))


def _start_keeper() -> tuple[ControlSocket, subprocess.Popen[bytes]]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    with theirs:
        flags = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined] # as multiprocessing does
        arguments = [str(theirs.fileno()), str(os.getpid()), json.dumps(sys.path)]
        # Held back while the keeper starts, which ignores it and then lets it come.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
        try:
            process = subprocess.Popen(
                [sys.executable, *flags, "-c", _BOOT, *arguments],
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env=_THREADS_THAT_SLEEP | os.environ,
            )
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return ControlSocket(ours), process
