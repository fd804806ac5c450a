from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from videoflow.runtime.control import ControlSocket, control_pair

Pair = tuple[ControlSocket, ControlSocket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    left, right = control_pair()
    yield left, right
    left.close()
    right.close()


def pipe_ends() -> set[int]:
    return {int(name) for name in os.listdir("/proc/self/fd")}


def test_messages_come_in_order_with_their_descriptors(pair: Pair) -> None:
    """Each message arrives whole, with copies of the descriptors that went with it."""
    left, right = pair
    reader, writer = os.pipe()

    left.send("first")
    left.send(("second", 2), [reader, writer])
    left.send("third")

    got = []
    while messages := right.receive():
        got += messages
    assert [message for message, _ in got] == ["first", ("second", 2), "third"]
    assert [len(fds) for _, fds in got] == [0, 2, 0]
    os.write(got[1][1][1], b"x")
    assert os.read(reader, 9) == b"x"
    for fd in (reader, writer, *got[1][1]):
        os.close(fd)


def test_receive_never_blocks(pair: Pair) -> None:
    """Without a message there is nothing, at once, while the other side lives."""
    _left, right = pair

    assert right.receive() == []
    assert not right.is_lost


def test_more_descriptors_than_the_kernel_takes_at_once(pair: Pair) -> None:
    """A message may carry more descriptors than one system call does."""
    left, right = pair
    fds = [os.open(os.devnull, os.O_RDONLY) for _ in range(450)]
    left.send("many", fds)

    got: list[tuple[object, list[int]]] = []
    while not got:
        got = right.receive()

    assert len(got[0][1]) == 450
    for fd in (*fds, *got[0][1]):
        os.close(fd)


def test_the_other_side_closing_is_seen(pair: Pair) -> None:
    """What was sent before the end still comes; then the connection is lost both ways."""
    left, right = pair
    left.send("last")
    left.close()

    assert right.receive() == [("last", [])]
    assert right.receive() == []
    assert right.is_lost
    right.send("into nowhere")


def test_closing_lets_go_of_what_half_came(pair: Pair) -> None:
    """Descriptors of a message that has not come to its end are closed with the connection."""
    left, right = pair
    fd = os.open(os.devnull, os.O_RDONLY)
    left.send("first")
    left.send("second", [fd])
    before = pipe_ends()
    assert right.receive()[0][0] == "first"
    assert len(pipe_ends() - before) == 1  # half of the second came along

    right.close()

    assert not pipe_ends() - before
    os.close(fd)
