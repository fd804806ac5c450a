"""The keeper: the process that all workers of a flow are children of.

It imports what the workers need, forks them, says which have ended, and kills them when the
caller's process is gone. It computes nothing, has one thread, touches no CUDA and never
imports the caller's main module, so that a fork is always safe and a script needs no
``__main__`` guard.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import io
import os
import selectors
import signal
import socket
import sys
from typing import Any

from videoflow.runtime.control import ControlSocket
from videoflow.runtime.worker import Worker
from videoflow.runtime.worker_start import WorkerFds, load_spec

__all__ = ["main"]

_PR_SET_PDEATHSIG = 1
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_EXIT_CRASHED = 70  # EX_SOFTWARE: the worker's own code raised


def main(control_fd: int, parent_pid: int) -> None:
    """Serve one flow, until its supervisor hangs up or dies.

    Args:
        control_fd: Descriptor of the connection with the supervisor.
        parent_pid: The process that the supervisor lives in.
    """
    # Ctrl-C and a service manager's SIGTERM reach the whole group: the caller decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
    _keep_freed_memory()
    keeper = _Keeper(ControlSocket(socket.socket(fileno=control_fd)), parent_pid)
    code = _EXIT_CRASHED
    try:
        keeper.serve()
        code = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        keeper.end()
        sys.stderr.flush()
        os._exit(code)  # libraries that were loaded for the workers have nothing to say here


class _Keeper:
    def __init__(self, control: ControlSocket, parent_pid: int) -> None:
        self._control = control
        self._parent = os.pidfd_open(parent_pid)
        self._selector = selectors.EpollSelector()
        self._pids: dict[int, int] = {}
        self._pidfds: dict[int, int] = {}
        self._received: set[int] = set()  # descriptors that are not handed on yet

    def serve(self) -> None:
        """Do what the supervisor says until it hangs up or its process ends."""
        self._selector.register(self._control, selectors.EVENT_READ, ("control", 0))
        self._selector.register(self._parent, selectors.EVENT_READ, ("parent", 0))
        while not self._control.is_lost:
            for key, _mask in self._selector.select():
                what, worker = key.data
                if what == "parent":
                    return
                if what == "control":
                    messages = self._control.receive()
                    self._received = {fd for _, fds in messages for fd in fds}
                    for message, fds in messages:
                        self._obey(message, fds)
                else:
                    self._reap(worker)

    def end(self) -> None:
        """Kill and reap all workers that are left."""
        for pid in self._pids.values():
            os.kill(pid, signal.SIGKILL)
        for worker in list(self._pids):
            self._reap(worker)

    def _obey(self, message: tuple[Any, ...], fds: list[int]) -> None:
        kind = message[0]
        if kind == "preload":
            for module in message[1]:
                # Only to be quick: the worker that needs it imports it too, and says why not.
                with contextlib.suppress(Exception):
                    importlib.import_module(module)
            gc.collect()
            gc.freeze()
        elif kind == "fork":
            self._fork(message[1], message[2], fds)
        elif kind == "kill" and message[1] in self._pids:
            os.kill(self._pids[message[1]], signal.SIGKILL)

    def _fork(self, worker: int, roles: dict[str, Any], fds: list[int]) -> None:
        keeper_pid = os.getpid()
        pid = os.fork()
        if pid == 0:
            # Several workers' messages may have come at once: each keeps only its own.
            for fd in self._received - set(fds):
                os.close(fd)
            self._become_worker(worker, _worker_fds(roles, fds), keeper_pid)
        for fd in fds:
            os.close(fd)
        self._received -= set(fds)
        self._pids[worker] = pid
        pidfd = os.pidfd_open(pid)
        self._pidfds[worker] = pidfd
        self._selector.register(pidfd, selectors.EVENT_READ, ("worker", worker))
        self._control.send(("started", worker, pid))

    def _reap(self, worker: int) -> None:
        pid = self._pids.pop(worker)
        _, status = os.waitpid(pid, 0)
        self._selector.unregister(self._pidfds[worker])
        os.close(self._pidfds.pop(worker))
        self._control.send(("exited", worker, os.waitstatus_to_exitcode(status)))

    def _become_worker(self, worker: int, fds: WorkerFds, keeper_pid: int) -> None:
        """Run a worker in this process, a fresh child, and end it."""
        code = _EXIT_CRASHED
        try:
            _die_with_parent(keeper_pid)
            for fd in (*self._pidfds.values(), self._parent):
                os.close(fd)
            self._selector.close()
            self._control.close()
            _take_standard_streams(fds)
            plan, nodes = load_spec(fds.spec)
            os.close(fds.spec)
            control = ControlSocket(socket.socket(fileno=fds.control))
            Worker(plan.with_nodes(nodes), worker, control, fds).run()
            code = 0
        except BaseException:
            sys.excepthook(*sys.exc_info())
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)


def _worker_fds(roles: dict[str, Any], fds: list[int]) -> WorkerFds:
    """Give descriptors their roles: the supervisor sent positions, we got numbers."""

    def real(role: Any) -> Any:
        return {k: fds[at] for k, at in role.items()} if isinstance(role, dict) else fds[role]

    return WorkerFds(**{name: real(role) for name, role in roles.items()})


def _die_with_parent(parent_pid: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent_pid:  # it died before the call
        os._exit(_EXIT_CRASHED)


def _keep_freed_memory() -> None:
    """Let the workers keep large freed memory instead of faulting the same pages in again.

    The layers of a network allocate and free megabytes at every call. With glibc's own limits
    that costs about a third of the time (YOLOX-nano, batch 4, 2 threads: 5.3 instead of 6.1 to
    8.3 ms a frame). Another C library has no ``mallopt`` and is left alone.

    Source: mallopt(3), M_MMAP_THRESHOLD and M_TRIM_THRESHOLD.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, 32 << 20)
        mallopt(_M_TRIM_THRESHOLD, 512 << 20)


def _take_standard_streams(fds: WorkerFds) -> None:
    os.dup2(fds.stdout, 1)
    os.dup2(fds.stderr, 2)
    os.close(fds.stdout)
    os.close(fds.stderr)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    sys.stdout = io.TextIOWrapper(
        io.BufferedWriter(io.FileIO(1, "w", closefd=False)), "utf-8", line_buffering=True
    )
    sys.stderr = io.TextIOWrapper(
        io.BufferedWriter(io.FileIO(2, "w", closefd=False)), "utf-8", line_buffering=True
    )
