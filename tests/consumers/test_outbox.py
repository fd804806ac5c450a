"""Outbox: order, room, attempts and the end, without a network."""

from __future__ import annotations

import threading

import pytest

from videoflow.consumers.outbox import Failure, Outbox, Retries, backoff_seconds
from videoflow.errors import OutputError

BUSY = Failure("busy", is_passing=True)
WRONG = Failure("wrong", is_passing=False)
AT_ONCE = Retries(max_attempts=3, jitter=lambda: 0.0)
LONG_SECONDS = 30.0


class Server:
    """Answers as it is told, then accepts; holds its answers back until it is let go."""

    def __init__(self, *answers: Failure | None, is_stalled: bool = False) -> None:
        self.answers = list(answers)
        self.got: list[bytes] = []
        self.was_asked = threading.Event()
        self.may_answer = threading.Event()
        if not is_stalled:
            self.may_answer.set()

    def send(self, item: bytes) -> Failure | None:
        self.was_asked.set()
        self.may_answer.wait(LONG_SECONDS)
        self.got.append(item)
        return self.answers.pop(0) if self.answers else None


def make(
    server: Server, *, max_items: int = 10, max_wait_seconds: float = 0.0
) -> Outbox[bytes]:
    return Outbox(
        server.send, retries=AT_ONCE, max_items=max_items, max_wait_seconds=max_wait_seconds
    )


def items(num: int) -> list[bytes]:
    return [str(number).encode() for number in range(num)]


@pytest.mark.parametrize("num", [pytest.param(n, id=str(n)) for n in (0, 1, 10)])
def test_all_is_sent_in_order(num: int) -> None:
    """What was put is sent when the end returns, in order."""
    server = Server()
    outbox = make(server)

    for item in items(num):
        outbox.put(item)

    assert outbox.close(LONG_SECONDS) == 0
    assert server.got == items(num)


def test_what_may_pass_is_tried_again_before_the_next() -> None:
    """An item that is tried again keeps its place."""
    server = Server(BUSY, BUSY, None)
    outbox = make(server)

    for item in items(2):
        outbox.put(item)

    assert outbox.close(LONG_SECONDS) == 0
    assert server.got == [b"0", b"0", b"0", b"1"]
    assert outbox.take_failure() is None


@pytest.mark.parametrize(
    ("answers", "num_attempts"),
    [pytest.param([BUSY] * 3, 3, id="busy"), pytest.param([WRONG], 1, id="final")],
)
def test_what_is_given_up_is_told_once(answers: list[Failure], num_attempts: int) -> None:
    """After the last attempt the next item has its turn, and the failure is told."""
    server = Server(*answers)
    outbox = make(server)

    for item in items(2):
        outbox.put(item)

    assert outbox.close(LONG_SECONDS) == 0
    assert server.got == [b"0"] * num_attempts + [b"1"]
    assert [outbox.take_failure(), outbox.take_failure()] == [answers[-1], None]


def test_an_error_of_the_sender_is_told() -> None:
    """What raises while it sends is given up with its reason, and the next has its turn."""
    got = []

    def send(item: bytes) -> Failure | None:
        if item == b"0":
            raise ValueError("no such header")
        got.append(item)
        return None

    outbox = Outbox(send, retries=AT_ONCE, max_items=10, max_wait_seconds=0.0)
    for item in items(2):
        outbox.put(item)

    assert outbox.close(LONG_SECONDS) == 0
    assert got == [b"1"]
    assert outbox.take_failure() == Failure("ValueError: no such header", is_passing=False)


def test_a_full_queue_refuses_at_once() -> None:
    """Who puts does not wait for a server that stalls, and what was taken is not lost."""
    server = Server(is_stalled=True)
    outbox = make(server, max_items=2)
    for item in items(2):
        outbox.put(item)

    with pytest.raises(OutputError, match="while 2 wait to be sent"):
        outbox.put(b"more")
    server.may_answer.set()

    assert outbox.close(LONG_SECONDS) == 0
    assert server.got == items(2)


def test_a_full_queue_may_be_waited_for() -> None:
    """With time to wait nothing is refused while the server goes on answering."""
    server = Server()
    outbox = make(server, max_items=1, max_wait_seconds=LONG_SECONDS)

    for item in items(50):
        outbox.put(item)

    assert outbox.close(LONG_SECONDS) == 0
    assert server.got == items(50)


def test_the_end_does_not_wait_for_ever() -> None:
    """What a stalled server did not take in time is counted, and not sent later."""
    server = Server(is_stalled=True)
    outbox = make(server)
    for item in items(3):
        outbox.put(item)
    assert server.was_asked.wait(LONG_SECONDS)

    num_unsent = outbox.close(0.01)
    server.may_answer.set()
    outbox._thread.join(LONG_SECONDS)

    assert num_unsent == 3
    assert server.got == [b"0"]  # the attempt that was under way


def test_the_end_cuts_a_pause_short() -> None:
    """A pause between two attempts does not outlast the time that the end has."""
    server = Server(*[BUSY] * 2)
    retries = Retries(max_attempts=2, first_wait_seconds=LONG_SECONDS, jitter=lambda: 1.0)
    outbox = Outbox(server.send, retries=retries, max_items=1, max_wait_seconds=0.0)
    outbox.put(b"0")

    num_unsent = outbox.close(0.01)
    outbox._thread.join(LONG_SECONDS / 2)

    assert num_unsent == 1
    assert not outbox._thread.is_alive()


def test_pauses_double_up_to_half_a_minute() -> None:
    """The longest pause has a bound, and chance takes its share."""
    assert list(backoff_seconds(8, 0.5, lambda: 1.0)) == [0.5, 1, 2, 4, 8, 16, 30, 30]
    assert list(backoff_seconds(2, 0.5, lambda: 0.5)) == [0.25, 0.5]
    assert list(backoff_seconds(0, 0.5, lambda: 1.0)) == []
