from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from videoflow.runtime.channel import (
    ChannelReader,
    ChannelWriter,
    Frames,
    frame_bytes,
    framed,
    open_channel,
)

Pair = tuple[ChannelReader, ChannelWriter]


@pytest.fixture
def pair() -> Iterator[Pair]:
    read_fd, write_fd = open_channel()
    reader, writer = ChannelReader(read_fd), ChannelWriter(write_fd)
    yield reader, writer
    reader.close()
    writer.close()


def receive_all(reader: ChannelReader, writer: ChannelWriter) -> list[object]:
    """Return what comes until the writer has nothing more."""
    got: list[object] = []
    while True:
        messages = reader.receive()
        got += messages
        if not messages and writer.is_empty:
            return got
        writer.flush()


@pytest.mark.parametrize(
    "sizes",
    [
        pytest.param([], id="empty"),
        pytest.param([0], id="one"),
        pytest.param([1, 0, 7], id="small"),
        pytest.param([5 << 20], id="larger-than-the-pipe"),
        pytest.param([10, 3 << 20, 10, 2 << 20], id="mixed"),
        pytest.param([100] * 3000, id="many"),
    ],
)
def test_messages_of_every_size_arrive_in_order(pair: Pair, sizes: list[int]) -> None:
    """Messages arrive whole and in order, however large, and sending never blocks."""
    reader, writer = pair
    sent = [(number, b"x" * size) for number, size in enumerate(sizes)]

    for message in sent:
        writer.send(message)

    assert receive_all(reader, writer) == sent


def test_a_writer_never_blocks(pair: Pair) -> None:
    """What a full pipe does not take is kept, and goes when there is room."""
    reader, writer = pair
    fcntl.fcntl(writer.fd, fcntl.F_SETPIPE_SZ, 4096)

    for number in range(100):
        writer.send((number, b"x" * 1000))

    assert not writer.is_empty
    assert [number for number, _ in receive_all(reader, writer)] == list(range(100))  # type: ignore[misc, has-type]


def test_half_a_message_at_the_end_is_dropped(pair: Pair) -> None:
    """What a killed writer left half-written is dropped; what was whole comes."""
    reader, writer = pair
    writer.send("whole")
    os.write(writer.fd, framed("half of it")[:-3])

    writer.close()

    assert reader.receive() == ["whole"]
    assert not reader.is_lost
    assert reader.receive() == []
    assert reader.is_lost


def test_a_reader_that_is_gone_is_seen(pair: Pair) -> None:
    """Sending to nobody does nothing, and says so."""
    reader, writer = pair
    reader.close()

    writer.send("nobody hears it")
    writer.send("nor this")

    assert writer.is_lost
    assert writer.is_empty


def test_an_empty_pipe_has_no_messages(pair: Pair) -> None:
    """Receiving returns at once."""
    reader, _writer = pair

    assert reader.receive() == []
    assert not reader.is_lost


@given(
    messages=st.lists(st.binary(max_size=30), max_size=8),
    cuts=st.lists(st.integers(1, 12), min_size=1),
)
def test_frames_are_cut_wherever_bytes_arrive(messages: list[bytes], cuts: list[int]) -> None:
    """However the bytes of a stream are split, the same messages come out."""
    stream = b"".join(map(frame_bytes, messages))
    frames = Frames()
    got: list[bytes] = []

    at = step = 0
    while at < len(stream):
        size = cuts[step % len(cuts)]
        frames.feed(stream[at : at + size])
        got += frames
        at, step = at + size, step + 1

    assert got == messages
