"""Slots on a device: written before read, read before written again, freed last."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from unittest.mock import patch

import pytest
import torch

from tests.fake_device import FAKE, FakeDevice, FakeEvent
from videoflow.errors import LeaseError
from videoflow.runtime import device_slots
from videoflow.runtime.board import create_memory
from videoflow.runtime.device import Device, Devices
from videoflow.runtime.device_slots import DeviceBlock, DeviceRef, DeviceRing, DeviceRingReader
from videoflow.runtime.payload import pack
from videoflow.runtime.slips import count_bytes, write_entry
from videoflow.runtime.slots import HostRing, HostRingReader

RING = 4


class Recorded(FakeDevice):
    """Remembers what is done with events, by a short name for each."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.said: list[tuple[str, str]] = []
        self.names: dict[str, str] = {}
        self.on_record: Callable[[], object] = lambda: None

    def record(self, event: FakeEvent) -> None:
        self.on_record()
        super().record(event)

    def _log(self, *words: object) -> None:
        what, name = str(words[0]), str(words[1])
        if what in ("record", "wait", "wait_on_host"):
            self.said.append((what, self.names.setdefault(name, f"event{len(self.names)}")))

    def take_said(self) -> list[tuple[str, str]]:
        said, self.said = self.said, []
        return said


class Pair:
    """An owner and its readers, as they would be in processes of their own."""

    def __init__(self, fd: int, num_readers: int = 1) -> None:
        self.fd = fd
        self.device = Recorded("cuda:0")
        self.ring = DeviceRing(self.device, RING, HostRing(RING, fd), num_readers)
        self.readers = [self.reader(number) for number in range(num_readers)]

    def reader(self, number: int) -> DeviceRingReader:
        devices = Devices(FAKE)
        devices._open["cuda:0"] = self.device
        return DeviceRingReader(devices, HostRingReader(self.fd), number)

    def close(self) -> None:
        for reader in self.readers:
            reader.close()
        self.ring.close()
        self.device.close()


@pytest.fixture
def fd() -> Iterator[int]:
    number = create_memory("test", 0)
    yield number
    os.close(number)


def test_what_was_written_is_read(fd: int) -> None:
    """A reader sees the bytes of each slot, at its own place in memory."""
    pair = Pair(fd)
    blocks = [pair.ring.lend(key, 5000) for key in range(4)]
    for key, block in enumerate(blocks):
        block.view.fill_(key)
        block.publish()

    seen = [pair.readers[0].place(block.ref).view for block in blocks]

    assert [set(view.tolist()) for view in seen] == [{0}, {1}, {2}, {3}]
    assert all(
        view.data_ptr() != b.view.data_ptr() for view, b in zip(seen, blocks, strict=True)
    )
    pair.close()


def test_a_slot_goes_round_in_order(fd: int) -> None:
    """ready, wait for it, done, wait for that: each time, on the same two events."""
    pair = Pair(fd)
    reader = pair.readers[0]

    for _ in range(3):
        block = pair.ring.lend("slot", 100)
        block.publish()
        reader.place(block.ref)
        reader.done(block.ref)
    pair.ring.lend("slot", 100)

    said = pair.device.take_said()
    ready, done = "event0", "event1"
    once = [("record", ready), ("wait", ready), ("record", done)]
    again = [("wait", done), *once]
    assert said == [*once, *again, *again, ("wait", done)]
    pair.close()


def test_a_tensor_is_copied_before_its_slot_is_called_ready(fd: int) -> None:
    """A tensor that lies elsewhere is in its slot by the time that the record is queued."""
    pair = Pair(fd)
    tensor = pair.device.allocate(4096).fill_(5)
    blocks: list[DeviceBlock] = []
    found: list[int] = []

    def new_slot(num_bytes: int, _device: Device | None) -> DeviceBlock:
        blocks.append(pair.ring.lend("slot", num_bytes))
        blocks[-1].view.fill_(0)
        return blocks[-1]

    pair.device.on_record = lambda: found.append(int(blocks[0].view.min()))
    devices = Devices(FAKE)
    devices._open["cuda:0"] = pair.device

    packed = pack([tensor], [], new_slot, devices)

    assert packed.refs == (blocks[0].ref,)
    assert found == [5]
    pair.close()


def test_the_owner_waits_for_all_readers(fd: int) -> None:
    """Nobody's reading is forgotten, whoever was first; who never read is not waited for."""
    pair = Pair(fd, num_readers=3)
    block = pair.ring.lend("slot", 100)
    block.publish()
    for reader in (pair.readers[2], pair.readers[0]):
        reader.place(block.ref)
        reader.done(block.ref)
    pair.device.take_said()

    pair.ring.lend("slot", 100)

    assert sorted(pair.device.take_said()) == [("wait", "event1"), ("wait", "event2")]
    pair.close()


def test_a_reader_that_was_started_again_is_waited_for(fd: int) -> None:
    """The new process of a reader has a new event, which takes the place of the old one."""
    pair = Pair(fd)
    for reader in (pair.readers[0], pair.reader(0)):
        block = pair.ring.lend("slot", 100)
        block.publish()
        reader.place(block.ref)
        reader.done(block.ref)
    pair.device.take_said()

    pair.ring.lend("slot", 100)

    assert pair.device.take_said() == [("wait", "event2")]
    pair.close()


def test_nobody_waits_for_a_reader_that_died(fd: int) -> None:
    """What a process had queued goes with it: a slot that it read is written again."""
    pair = Pair(fd)
    block = pair.ring.lend("slot", 100)
    block.publish()
    reader = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    pair.reader(0).done(block.ref)
    _sign(pair, block.ref, pid=reader.pid, handle=f"{reader.pid}/999".encode())
    reader.kill()  # and stays, unread, as what is left of a process

    again = pair.ring.lend("slot", 100)

    assert again.ref.generation == block.ref.generation + 1
    reader.communicate()
    pair.close()


def test_a_handle_of_a_living_reader_must_open(
    fd: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who lives still reads: an event of theirs that does not open is an error."""
    monkeypatch.setattr(device_slots, "_DYING_SECONDS", 0.01)
    pair = Pair(fd)
    block = pair.ring.lend("slot", 100)
    block.publish()
    _sign(pair, block.ref, pid=os.getpid(), handle=f"{os.getpid()}/999999".encode())

    with pytest.raises(FileNotFoundError):
        pair.ring.lend("slot", 100)

    pair.close()


def _sign(pair: Pair, ref: DeviceRef, *, pid: int, handle: bytes) -> None:
    """Write the entry of the first reader as another process would."""
    slip = HostRingReader(pair.fd).slot(ref.block, count_bytes(2))
    with patch("os.getpid", return_value=pid):
        write_entry(slip, 1, handle.ljust(64, b"\0"))


def test_a_reader_in_the_owners_process_opens_nothing(fd: int) -> None:
    """In one process the order is the same, and no handle is opened."""
    pair = Pair(fd, num_readers=2)
    block = pair.ring.lend("slot", 64)
    block.publish()

    place = pair.ring.place(block.ref)
    pair.ring.done(block.ref)
    pair.ring.lend("slot", 64)

    assert place.view.data_ptr() == block.view.data_ptr()
    assert pair.device.take_said() == [
        ("record", "event0"),
        ("wait", "event0"),
        ("record", "event1"),
        ("wait", "event1"),
    ]
    pair.close()


def test_a_late_reader_is_refused(fd: int) -> None:
    """A lease ends when its slot is lent again."""
    pair = Pair(fd)
    first = pair.ring.lend("slot", 100)
    leases = [pair.ring.lease(first.ref), pair.readers[0].lease(first.ref)]
    for lease in leases:
        lease.check()

    pair.ring.lend("slot", 100)

    for lease in leases:
        with pytest.raises(LeaseError):
            lease.check()
    pair.close()


def test_memory_of_forgotten_slots_is_used_again(fd: int) -> None:
    """Slots of tickets that will not come again make room, after their readers."""
    pair = Pair(fd)
    blocks = [pair.ring.lend(("old", n), 3 << 20) for n in range(5)]
    for block in blocks:
        block.publish()
        pair.readers[0].place(block.ref)
        pair.readers[0].done(block.ref)
    before = pair.ring.num_bytes
    pair.device.take_said()

    pair.ring.forget(lambda key: key[0] == "old")
    new = [pair.ring.lend(("new", n), 3 << 20) for n in range(5)]

    assert pair.ring.num_bytes == before
    assert {b.ref.offset for b in new} == {b.ref.offset for b in blocks}
    assert [what for what, _ in pair.device.take_said()] == ["wait"] * 5
    pair.close()


@pytest.mark.parametrize("num_bytes", [1, 511, 65 << 20])
def test_slots_of_every_size_do_not_touch(fd: int, num_bytes: int) -> None:
    """Slots do not overlap, also when a ring needs several segments."""
    pair = Pair(fd)
    blocks = [pair.ring.lend(n, num_bytes) for n in range(3)]

    for n, block in enumerate(blocks):
        block.view.fill_(n)

    assert all(torch.all(block.view == n) for n, block in enumerate(blocks))
    pair.close()


def test_a_reader_lets_go_after_its_own_work(fd: int) -> None:
    """A reader waits on the host for what it has queued, so that the owner may free."""
    pair = Pair(fd)
    block = pair.ring.lend("slot", 100)
    block.publish()
    pair.readers[0].place(block.ref)
    pair.readers[0].done(block.ref)
    pair.device.take_said()

    pair.readers[0].close()

    assert pair.device.take_said() == [("wait_on_host", "event1")]
    pair.close()


def test_a_ring_is_closed_after_its_readers_work(fd: int) -> None:
    """The owner waits on the host for what readers have queued, and then frees."""
    pair = Pair(fd)
    block = pair.ring.lend("slot", 100)
    block.publish()
    pair.readers[0].place(block.ref)
    pair.readers[0].done(block.ref)
    pair.ring.lend("slot", 100)
    pair.device.take_said()

    pair.ring.close()

    assert pair.device.take_said() == [("wait_on_host", "event1")]
    assert pair.ring.num_bytes == 0
    pair.close()
