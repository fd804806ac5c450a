"""The loop of one worker: mail in, stations, mail out; it blocks only to wait for mail."""

from __future__ import annotations

import os
import selectors
import socket
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import nullcontext
from functools import partial
from typing import Any

from videoflow.core.node import Ending
from videoflow.core.tap import Tap
from videoflow.errors import NodeError
from videoflow.runtime.board import Board
from videoflow.runtime.channel import ChannelReader, ChannelWriter
from videoflow.runtime.control import ControlSocket
from videoflow.runtime.device import Devices
from videoflow.runtime.door import Door
from videoflow.runtime.floor import build_stations
from videoflow.runtime.ledger import lane_home
from videoflow.runtime.payload import Loader
from videoflow.runtime.plan import Plan
from videoflow.runtime.resending import ResendingWriter
from videoflow.runtime.rings import NodeRings, WorkerRings, ring_readers
from videoflow.runtime.slots import ring_index
from videoflow.runtime.station import WAIT, Station
from videoflow.runtime.taps import SocketTapLink
from videoflow.runtime.worker_start import WorkerFds

__all__ = ["Worker"]


class Worker:
    """One worker, from opening its nodes to its last message.

    Args:
        plan: What runs; only the worker's own nodes are in its graph.
        index: Which worker.
        control: Its connection with the supervisor.
        fds: Its descriptors.
    """

    def __init__(self, plan: Plan, index: int, control: ControlSocket, fds: WorkerFds) -> None:
        self.plan = plan
        self.worker_name = plan.workers[index].name
        self.board = Board(plan, fds.board)
        self.rings = WorkerRings(
            fds.rings,
            Devices(plan.device_kinds),
            worker=index,
            readers=partial(ring_readers, plan),
            is_poisoned=os.environ.get("VIDEOFLOW_POISON_SLOTS") == "1",
        )
        self.loader = Loader(self.rings)
        self._index = index
        self._control = control
        self._control_lock = threading.Lock()
        self._fds = fds
        self._bell = fds.bells[index]
        self._selector = selectors.EpollSelector()
        self._readers = {peer: ChannelReader(fd) for peer, fd in fds.readers.items()}
        self.writers = {peer: self._writer(peer, fd) for peer, fd in fds.writers.items()}
        self._blocked: set[int] = set()
        self._has_started = False
        self._must_quit = False
        self._is_released = False
        self._num_threads = 0
        self._bells_of = {
            s.node: fds.bells[plan.nodes[s.node].workers[0]]
            for s in plan.sources
            if plan.nodes[s.node].workers[0] in fds.bells
        }
        for node, fd in fds.taps.items():
            tap = plan.graph.nodes[node].node
            assert isinstance(tap, Tap)
            tap.connect(SocketTapLink(socket.socket(fileno=fd), tap.policy))
        floor = build_stations(self, plan, index)
        self._stations = floor.stations
        self._inlets = floor.inlets
        self._doors = [s for s in self._stations if isinstance(s, Door)]

    # What stations ask of their worker

    def own_rings(self, node: int) -> NodeRings:
        """Return the rings that one of the worker's nodes writes."""
        return NodeRings(self.rings, ring_index(node, self.plan.workers[self._index].task))

    def report_error(self, node: int, error: NodeError) -> None:
        """Tell the supervisor of an error that ends the flow."""
        self._tell(("error", node, error))

    def report_note(self, text: str) -> None:
        """Tell the supervisor of a remark for the report."""
        self._tell(("note", text))

    def report_ended(self, source: int, ending: Ending) -> None:
        """Tell the supervisor that a source has sent the end of its stream."""
        self._tell(("ended", source, ending))

    def ring_own_bell(self) -> None:
        """Wake the worker's loop; may be called from any thread."""
        os.eventfd_write(self._bell, 1)

    def ring_bells(self, sources: Sequence[int]) -> None:
        """Wake the workers of producers whose tickets may have come home."""
        for source in sources:
            bell = self._bells_of.get(source)
            if bell is not None and bell != self._bell:
                os.eventfd_write(bell, 1)

    # The life of the worker

    def run(self) -> None:
        """Open the nodes, work until everything has ended, close them."""
        self._register()
        is_open = [self._open(station) for station in self._stations]
        if all(is_open):
            self._tell(("ready",))
        self._loop()
        for station in self._stations:
            self._close(station)
        self._deliver_the_rest()
        self._let_go()
        self._tell(("bye",))

    def _writer(self, peer: int, fd: int) -> ChannelWriter:
        if not self.plan.workers[peer].restarts:
            return ChannelWriter(fd)
        return ResendingWriter(fd, partial(lane_home, self.plan, self.board))

    def _register(self) -> None:
        register = self._selector.register
        register(self._control, selectors.EVENT_READ, self._on_control)
        register(self._bell, selectors.EVENT_READ, self._on_bell)
        for peer, reader in self._readers.items():
            register(reader.fd, selectors.EVENT_READ, partial(self._on_mail, peer))

    def _open(self, station: Station) -> bool:
        self._use_threads(station)
        with station.on_device():
            return station.open()

    def _loop(self) -> None:
        while not self._must_quit:
            has_worked = False
            if self._has_started:
                for station in self._stations:
                    if not station.is_done:
                        has_worked |= self._advance(station)
                if all(station.is_done for station in self._stations):
                    return
            self._exchange(0.0 if has_worked else self._patience())

    def _advance(self, station: Station) -> bool:
        """Let a station work for a little while; return whether it did anything."""
        self._use_threads(station)
        with station.on_device() if station.steps_on_device else nullcontext():
            has_worked = station.step()
        if station.is_done:
            self._close(station)
        return has_worked

    def _close(self, station: Station) -> None:
        with station.on_device():
            station.close()

    def _patience(self) -> float | None:
        """Return how long to wait for mail, in seconds; None for as long as it takes."""
        dues = [station.due_seconds() for station in self._stations if not station.is_done]
        times = [due for due in dues if due is not None]
        return max(0.0, min(times) - time.monotonic()) if times and self._has_started else None

    def _exchange(self, timeout_seconds: float | None) -> None:
        """Send and receive what can be; wait at most ``timeout_seconds`` for it."""
        self._watch_writers()
        begin = time.monotonic()
        events = self._selector.select(timeout_seconds)
        if timeout_seconds != 0.0 and self._has_started:
            waited = time.monotonic() - begin
            for station in self._stations:
                if not station.is_done:
                    station.counters[WAIT] += waited
        for key, _mask in events:
            key.data()

    def _watch_writers(self) -> None:
        """Let the selector watch the channels that did not take everything, and only them."""
        for peer, writer in self.writers.items():
            if not writer.is_empty:
                writer.flush()
            if writer.is_empty and peer in self._blocked:
                self._selector.unregister(writer.fd)
                self._blocked.discard(peer)
            elif not writer.is_empty and peer not in self._blocked:
                self._selector.register(
                    writer.fd, selectors.EVENT_WRITE, partial(self._on_writable, peer)
                )
                self._blocked.add(peer)

    def _deliver_the_rest(self) -> None:
        """Send what is still queued, unless the worker was told to go."""
        while not self._must_quit and any(not w.is_empty for w in self.writers.values()):
            self._exchange(None)

    def _let_go(self) -> None:
        """Let go of others' device memory, and of our own when nobody reads it any more."""
        self.rings.close_readers()
        if self.rings.has_device_slots:
            self._tell(("resting",))
            while not self._must_quit and not self._is_released:
                self._exchange(None)
        self.rings.close()

    # Mail

    def _on_bell(self) -> None:
        os.eventfd_read(self._bell)

    def _on_writable(self, peer: int) -> None:
        self.writers[peer].flush()

    def _on_mail(self, peer: int) -> None:
        # Announced together with the word that its worker is gone, it has been read by now.
        if not self._readers[peer].is_lost:
            self._take_mail(peer)

    def _take_mail(self, peer: int) -> None:
        reader = self._readers[peer]
        for message in reader.receive():
            self._deliver(message)
        if reader.is_lost:
            self._selector.unregister(reader.fd)
            reader.close()

    def _deliver(self, message: tuple[Any, ...]) -> None:
        kind, node, lane = message[:3]
        inlets = self._inlets.get(node, ())
        if kind == "run":
            for inlet in inlets:
                inlet.put(lane, *message[3:])
        elif kind == "end":
            for inlet in inlets:
                inlet.end(lane, *message[3:])
        elif kind == "source":
            for inlet in inlets:
                inlet.end_source(lane, *message[3:])
        else:
            for inlet in inlets:
                inlet.begin(lane, *message[3:])

    def _on_control(self) -> None:
        for message, fds in self._control.receive():
            kind = message[0]
            if kind == "go":
                self._has_started = True
            elif kind == "stop":
                for door in self._doors:
                    door.end(message[1])
            elif kind == "lost":
                self._lose(message[1], message[2])
            elif kind == "replaced":
                self._replace(message[1], dict(zip(message[2], fds, strict=True)))
            elif kind == "release":
                self._is_released = True
            elif kind == "quit":
                self._must_quit = True
        if self._control.is_lost:
            self._must_quit = True

    def _lose(self, peer: int, ending: Ending) -> None:
        """Hear that another worker is gone and will not come back."""
        self._read_to_the_end(peer)
        lost = self.plan.workers[peer]
        for node in lost.nodes:
            for inlet in self._inlets.get(node, ()):
                for lane in self.plan.graph.nodes[node].lanes:
                    if self.plan.nodes[node].deal(lost.task).takes_lane(lane):
                        inlet.lose(lane, lost.task, ending)

    def _replace(self, peer: int, fds: dict[str, int]) -> None:
        """Hear that another worker was started again, and take the new ends of its channels."""
        if "reader" in fds:
            self._read_to_the_end(peer)
            self._readers[peer] = ChannelReader(fds["reader"])
            self._selector.register(
                fds["reader"], selectors.EVENT_READ, partial(self._on_mail, peer)
            )
        if "writer" in fds:
            writer = self.writers[peer]
            assert isinstance(writer, ResendingWriter)
            if peer in self._blocked:
                self._selector.unregister(writer.fd)
                self._blocked.discard(peer)
            writer.replace(fds["writer"])

    def _read_to_the_end(self, peer: int) -> None:
        """Take what a worker that is gone has left in its channel."""
        reader = self._readers.get(peer)
        if reader is not None:
            while not reader.is_lost:
                self._take_mail(peer)

    def _tell(self, message: tuple[Any, ...]) -> None:
        with self._control_lock:
            self._control.send(message)

    def _use_threads(self, station: Station) -> None:
        """Give torch the node's own number of threads, if torch is here."""
        if station.num_threads == self._num_threads:
            return
        torch = sys.modules.get("torch")
        if torch is not None and hasattr(torch, "set_num_threads"):
            torch.set_num_threads(station.num_threads)
            self._num_threads = station.num_threads
