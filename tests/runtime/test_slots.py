from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np
import pytest

from videoflow.errors import LeaseError
from videoflow.runtime.board import create_memory
from videoflow.runtime.slots import Block, HostRing, HostRingReader


@pytest.fixture
def memory() -> Iterator[int]:
    fd = create_memory("test", 0)
    yield fd
    os.close(fd)


def fill(block: Block, value: int) -> Block:
    np.frombuffer(block.view, np.uint8)[:] = value
    return block


def seen(reader: HostRingReader, block: Block) -> list[int]:
    return np.unique(np.frombuffer(reader.view(block.ref), np.uint8)).tolist()  # type: ignore[no-any-return]


@pytest.mark.parametrize("num_bytes", [1, 4096, 5000, 40 << 20])
def test_what_is_written_is_seen(memory: int, num_bytes: int) -> None:
    """A reader in another mapping sees what was written, of every size."""
    ring, reader = HostRing(3, memory), HostRingReader(memory)

    block = fill(ring.lend("a", num_bytes), 7)

    assert block.ref.ring == 3
    assert block.ref.num_bytes == len(reader.view(block.ref)) == num_bytes
    assert seen(reader, block) == [7]


def test_a_ring_grows_and_earlier_views_stay(memory: int) -> None:
    """Slots that are added later do not move those that are in use."""
    ring, reader = HostRing(0, memory), HostRingReader(memory)
    first = fill(ring.lend(0, 10_000), 1)
    early = np.frombuffer(reader.view(first.ref), np.uint8)

    blocks = [fill(ring.lend(key, 3 << 20), key) for key in range(1, 20)]

    assert (early == 1).all()
    assert [seen(reader, block) for block in blocks] == [[key] for key in range(1, 20)]


def test_a_slot_is_used_again(memory: int) -> None:
    """The same key names the same memory, under a new generation."""
    ring = HostRing(0, memory)
    first = ring.lend("a", 8192).ref

    second = ring.lend("a", 100).ref

    assert (second.block, second.offset) == (first.block, first.offset)
    assert second.generation == first.generation + 1
    assert second.num_bytes == 100


def test_a_larger_array_gets_a_larger_slot_and_gives_pages_back(memory: int) -> None:
    """A slot that is too small is replaced, and its pages are given back."""
    ring = HostRing(0, memory)
    fill(ring.lend("a", 8 << 20), 1)
    used = os.fstat(memory).st_blocks * 512

    block = fill(ring.lend("a", 9 << 20), 2)

    grown = os.fstat(memory).st_blocks * 512 - used
    assert abs(grown - (1 << 20)) < 1 << 19
    assert seen(HostRingReader(memory), block) == [2]


def test_forgotten_slots_give_their_pages_back(memory: int) -> None:
    """Slots whose tickets will not come again cost no memory, and refuse late readers."""
    ring = HostRing(0, memory)
    blocks = [fill(ring.lend(key, 1 << 20), 9) for key in range(8)]
    lease = ring.lease(blocks[5].ref)
    lease.check()

    ring.forget(lambda key: key >= 2)

    assert os.fstat(memory).st_blocks * 512 < 3 << 20
    with pytest.raises(LeaseError):
        lease.check()
    ring.lease(blocks[1].ref).check()


def test_a_lease_ends_when_the_slot_is_lent_again(memory: int) -> None:
    """Owner and reader both see that a slot holds another writing; other slots go on."""
    ring, reader = HostRing(0, memory), HostRingReader(memory)
    first = ring.lend("a", 5000).ref
    other = ring.lend("b", 5000).ref
    leases = [ring.lease(first), reader.lease(first)]
    for lease in leases:
        lease.check()

    ring.lend("a", 5000)

    for lease in leases:
        with pytest.raises(LeaseError, match="already holds another one"):
            lease.check()
    reader.lease(other).check()


def test_slots_are_poisoned_on_demand(memory: int) -> None:
    """A poisoned ring shows garbage to whoever reads a slot too late."""
    ring, reader = HostRing(0, memory, is_poisoned=True), HostRingReader(memory)
    first = fill(ring.lend("a", 5000), 1)
    late = np.frombuffer(reader.view(first.ref), np.uint8)

    ring.lend("a", 5000)

    assert (late == 0xDD).all()


def test_a_new_owner_leaves_earlier_slots_as_they_are(memory: int) -> None:
    """A worker that was started again writes behind what its predecessor wrote."""
    first = fill(HostRing(0, memory).lend("a", 5000), 1)

    second = fill(HostRing(0, memory).lend("a", 5000), 2)

    reader = HostRingReader(memory)
    assert (seen(reader, first), seen(reader, second)) == ([1], [2])
    reader.lease(first.ref).check()


def test_an_address_is_where_the_reader_sees_it(memory: int) -> None:
    """The address of a reference is that of its first byte in this process."""
    reader = HostRingReader(memory)
    block = fill(HostRing(0, memory).lend("a", 5000), 3)

    address = reader.address(block.ref)

    assert address == np.frombuffer(reader.view(block.ref), np.uint8).ctypes.data
