"""Starts the workers of a flow, hears how they fare, and sees to it that all of them end.

A thread of the caller's process. It decides what the end of a worker means; the marks on the
board say what became of every frame, whoever died.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import threading
import time
from functools import partial
from typing import Any

from videoflow.core.node import Ending
from videoflow.errors import NodeError, WorkerDiedError
from videoflow.runtime.board import Board
from videoflow.runtime.control import ControlSocket
from videoflow.runtime.launch import Launch
from videoflow.runtime.ledger import Ledger
from videoflow.runtime.output import OutputPump
from videoflow.runtime.plan import Plan
from videoflow.runtime.rings import worker_readers

__all__ = ["Supervisor"]

SOURCE_GRACE_SECONDS = 1.5
"""After a stop: how long a producer may take to come back from ``next``."""

DRAIN_GRACE_SECONDS = 4.0
"""After a stop: how long what is in flight may take to its consumers."""


class Supervisor:
    """Runs one plan.

    Args:
        plan: What runs.
        launch: The keeper and the descriptors; the supervisor owns it.
    """

    def __init__(self, plan: Plan, launch: Launch) -> None:
        self._plan = plan
        self._launch = launch
        self.board: Board = launch.board
        self.ledger = Ledger(plan, launch.board)
        self.error: BaseException | None = None
        self.notes: list[str] = [*plan.notes]
        self.started_at = time.monotonic()
        self.ended_at: float | None = None
        self.endings: dict[int, Ending] = {}
        self._selector = selectors.EpollSelector()
        self._alive = set(range(len(plan.workers)))
        self._said_bye: set[int] = set()
        self._resting: set[int] = set()
        self._ready: set[int] = set()
        self._killed: set[int] = set()
        self._num_restarts: dict[int, int] = {}
        self._has_started = False
        self._lost_nodes: tuple[int, ...] = (0,)
        self._wanted_stop: Ending | None = None
        self._wants_kill = False
        self._stop_since: float | None = None
        self._stop_ending: Ending | None = None
        self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._has_ended = threading.Event()
        self._thread = threading.Thread(
            target=self._run, name=f"videoflow {plan.graph.name}", daemon=True
        )

    # What the caller does

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def wait(self, timeout_seconds: float | None) -> bool:
        """Block until nothing of the flow is left; return whether that is so."""
        return self._has_ended.wait(timeout_seconds)

    def stop(self, ending: Ending = "stopped") -> None:
        """End all streams; returns at once."""
        if not self._has_ended.is_set():
            self._wanted_stop = ending
            os.eventfd_write(self._wake, 1)

    def kill(self) -> None:
        """End all workers at once."""
        if not self._has_ended.is_set():
            self._wants_kill = True
            os.eventfd_write(self._wake, 1)

    @property
    def is_running(self) -> bool:
        """Whether anything of the flow is left."""
        return not self._has_ended.is_set()

    @property
    def ending(self) -> Ending:
        """How the flow ended."""
        if self.error is not None:
            return "failed"
        was_stopped = any(e != "finished" for e in self.endings.values())
        return (
            "stopped"
            if was_stopped or len(self.endings) < len(self._plan.sources)
            else "finished"
        )

    @property
    def elapsed_seconds(self) -> float:
        """Since all nodes were open, or since the start while they are not."""
        return (self.ended_at or time.monotonic()) - self.started_at

    # The thread

    def _run(self) -> None:
        try:
            self._serve()
        except BaseException as error:  # the caller must never wait for ever
            self.error = self.error or error
        finally:
            self._end()

    def _serve(self) -> None:
        register = self._selector.register
        register(self._wake, selectors.EVENT_READ, self._on_wake)
        register(self._launch.keeper, selectors.EVENT_READ, self._on_keeper)
        for worker, control in self._launch.controls.items():
            register(control, selectors.EVENT_READ, partial(self._on_control, worker))
        for pump in self._launch.pumps:
            register(pump.fd, selectors.EVENT_READ, partial(self._on_output, pump))
        while self._alive and not self._launch.keeper.is_lost:
            for key, _mask in self._selector.select(self._patience()):
                key.data()
            self._keep_deadlines()

    def _end(self) -> None:
        """Let go of everything; nothing of the flow is left after this."""
        try:
            self._launch.end()
            for pump in self._launch.pumps:
                while pump.pump():
                    pass
                pump.close()
            self._selector.close()
            self.ledger.close(self._lost_nodes)
        except BaseException as error:
            self.error = self.error or error
        finally:
            self.ended_at = time.monotonic()
            self._has_ended.set()
            os.close(self._wake)

    def _on_wake(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self._wake)
        if self._wants_kill:
            self._kill(set(self._alive))
        elif self._wanted_stop is not None:
            self._begin_stop(self._wanted_stop)

    def _on_keeper(self) -> None:
        for message, _fds in self._launch.keeper.receive():
            if message[0] == "exited":
                self._on_exit(message[1], message[2])
        if self._launch.keeper.is_lost and self._alive:
            self._fail(
                WorkerDiedError(
                    f"flow {self._plan.graph.name!r}: the keeper of its workers was killed",
                    worker="keeper",
                    nodes=(),
                    exit_code=-signal.SIGKILL,
                )
            )

    def _on_control(self, worker: int) -> None:
        control = self._launch.controls[worker]
        for message, _fds in control.receive():
            self._hear(worker, message)
        if control.is_lost:
            self._forget(control)

    def _forget(self, control: ControlSocket) -> None:
        with contextlib.suppress(KeyError, ValueError):  # it may be forgotten already
            self._selector.unregister(control)

    def _hear(self, worker: int, message: tuple[Any, ...]) -> None:
        kind = message[0]
        if kind == "ready":
            self._ready.add(worker)
            if self._has_started:
                self._launch.controls[worker].send(("go",))
            elif len(self._ready) == len(self._plan.workers):
                self._has_started = True
                self.started_at = time.monotonic()
                self._tell_all(("go",))
        elif kind == "error":
            self._fail(message[2])
        elif kind == "note":
            self.notes.append(message[1])
        elif kind == "ended":
            self.endings[message[1]] = message[2]
        elif kind == "resting":
            self._resting.add(worker)
            self._release()
        elif kind == "bye":
            self._said_bye.add(worker)

    def _on_output(self, pump: OutputPump) -> None:
        if not pump.pump():
            self._selector.unregister(pump.fd)

    def _on_exit(self, worker: int, code: int) -> None:
        control = self._launch.controls[worker]
        while True:
            messages = control.receive()
            for message, _fds in messages:
                self._hear(worker, message)
            if not messages:
                break
        self._forget(control)
        self._alive.discard(worker)
        self._release()
        if worker in self._said_bye:
            return
        plan = self._plan.workers[worker]
        if self._may_restart(worker):
            self._start_again(worker, code)
            return
        ending: Ending = "stopped" if worker in self._killed else "failed"
        if worker not in self._killed:
            self._lost_nodes = plan.nodes
            self._fail(self._died(worker, code))
        for other in self._alive:
            self._launch.controls[other].send(("lost", worker, ending))

    def _release(self) -> None:
        """Let workers free memory of devices that nobody reads any more.

        A worker that rests has let go of what others own, so that two of them can read each
        other's memory and both end.
        """
        for worker in self._resting & self._alive:
            readers = worker_readers(self._plan, worker)
            if not readers & self._alive - self._resting:
                self._launch.controls[worker].send(("release",))

    def _may_restart(self, worker: int) -> bool:
        is_wanted = worker not in self._killed and self.error is None
        has_left = self._num_restarts.get(worker, 0) < self._plan.workers[worker].restarts
        return is_wanted and has_left and not self._launch.keeper.is_lost

    def _start_again(self, worker: int, code: int) -> None:
        self._num_restarts[worker] = number = self._num_restarts.get(worker, 0) + 1
        plan = self._plan.workers[worker]
        self.notes.append(
            f"worker {plan.name!r} {_how(code)} and was started again "
            f"({number} of {plan.restarts})"
        )
        self._ready.discard(worker)
        self._launch.start_again(worker)
        self._alive.add(worker)
        control = self._launch.controls[worker]
        self._selector.register(
            control, selectors.EVENT_READ, partial(self._on_control, worker)
        )

    def _died(self, worker: int, code: int) -> WorkerDiedError:
        plan = self._plan.workers[worker]
        names = tuple(self._plan.nodes[i].name for i in plan.nodes)
        return WorkerDiedError(
            f"flow {self._plan.graph.name!r}: worker {plan.name!r} "
            f"(nodes {', '.join(names)}) {_how(code)}",
            worker=plan.name,
            nodes=names,
            exit_code=code,
            help="a kill from outside, memory that ran out, or a crash in a library; "
            "restarts=N on a stateless processor starts it again",
        )

    def _fail(self, error: BaseException) -> None:
        """Note what broke the flow, the first time, and begin to end it."""
        if self.error is None:
            self.error = error
            if isinstance(error, NodeError) and error.remote_traceback:
                error.add_note(f"in the worker:\n{error.remote_traceback.rstrip()}")
        self._begin_stop("failed")

    def _begin_stop(self, ending: Ending) -> None:
        if self._stop_ending == "failed" or self._stop_ending == ending:
            return
        self._stop_ending = ending
        if self._stop_since is None:
            self._stop_since = time.monotonic()
        self._tell_all(("stop", ending) if self._has_started else ("quit",))

    def _tell_all(self, message: tuple[Any, ...]) -> None:
        for worker in self._alive:
            self._launch.controls[worker].send(message)

    def _patience(self) -> float | None:
        if self._stop_since is None:
            return None
        waited = time.monotonic() - self._stop_since
        nexts = [g - waited for g in (SOURCE_GRACE_SECONDS, DRAIN_GRACE_SECONDS) if g > waited]
        return min(nexts, default=0.5)

    def _keep_deadlines(self) -> None:
        """Kill what does not come to an end by itself."""
        if self._stop_since is None:
            return
        waited = time.monotonic() - self._stop_since
        if waited > DRAIN_GRACE_SECONDS:
            self._kill(set(self._alive))
        elif waited > SOURCE_GRACE_SECONDS:
            self._kill(
                {
                    self._plan.nodes[s.node].workers[0]
                    for s in self._plan.sources
                    if s.node not in self.endings
                }
            )

    def _kill(self, workers: set[int]) -> None:
        for worker in workers & self._alive - self._killed:
            self._killed.add(worker)
            plan = self._plan.workers[worker]
            self._lost_nodes = plan.nodes
            self.notes.append(f"worker {plan.name!r} did not end in time and was killed")
            self._launch.keeper.send(("kill", worker))


def _how(code: int) -> str:
    """Return how a process ended, in words."""
    return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"exited with {code}"
