"""KafkaPublisher against the broker that librdkafka has for tests, and against none."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from typing import Any

import cloudpickle
import pytest

from tests.results import counts
from videoflow.consumers import KafkaPublisher
from videoflow.errors import GraphError, MissingDependencyError, OutputError

kafka = pytest.importorskip("confluent_kafka", reason="confluent-kafka is not installed")

LONG_SECONDS = 30.0
NOBODY = "127.0.0.1:1"


@pytest.fixture
def servers() -> Iterator[str]:
    """Return the address of a broker in this process, which speaks the real protocol."""
    host = kafka.Producer({"test.mock.num.brokers": 1, "log_level": 0})
    brokers = host.list_topics(timeout=LONG_SECONDS).brokers.values()
    yield ",".join(f"{broker.host}:{broker.port}" for broker in brokers)
    host.flush(0)


def make(servers: str, topic: str = "people", **options: Any) -> KafkaPublisher:
    return KafkaPublisher(servers, topic, **({"flush_seconds": LONG_SECONDS} | options))


def publish(publisher: KafkaPublisher, *values: Any) -> None:
    publisher.check()
    publisher.open()
    try:
        for value in values:
            publisher.consume(value)
    finally:
        publisher.close()


def read(servers: str, topic: str, num: int) -> list[Any]:
    """Return the keys and values of the first messages of a topic."""
    consumer = kafka.Consumer(
        {
            "bootstrap.servers": servers,
            "group.id": "test",
            "auto.offset.reset": "earliest",
            "log_level": 0,
        }
    )
    partitions = consumer.list_topics(topic, timeout=LONG_SECONDS).topics[topic].partitions
    consumer.assign([kafka.TopicPartition(topic, number, 0) for number in partitions])
    deadline = time.monotonic() + LONG_SECONDS
    got: list[Any] = []
    while len(got) < num and time.monotonic() < deadline:
        got += [m for m in consumer.consume(num, 0.1) if m.error() is None]
    consumer.close()
    return [(message.key(), json.loads(message.value())) for message in got]


@pytest.mark.parametrize("acks", ["all", "leader", "none"])
def test_a_message_for_each_record(servers: str, acks: Any) -> None:
    """Crossings arrive as JSON under the topic of their stream, keyed by it, in order."""
    publish(
        make(servers, "people-{stream}", acks=acks),
        counts(0, "hall/1", num=0),
        None,
        *[counts(index, "hall/1") for index in range(50)],
    )

    messages = read(servers, "people-hall_1", 50)

    assert {key for key, _ in messages} == {b"hall/1"}
    assert [record["frame"] for _, record in messages] == list(range(50))


def test_a_dead_broker_does_not_hold_up_the_flow() -> None:
    """Messages are taken while there is room, refused at once without, and told at the end."""
    publisher = make(NOBODY, max_queued_items=2, flush_seconds=0.05)
    publisher.open()
    start = time.monotonic()

    publisher.consume(0)
    publisher.consume(1)
    with pytest.raises(OutputError, match=r"one message more, which was refused: .*full"):
        publisher.consume(2)
    with pytest.raises(OutputError, match="2 items were not sent"):
        publisher.close()

    assert time.monotonic() - start < LONG_SECONDS / 3


def test_what_was_not_delivered_is_told_by_a_later_one() -> None:
    """While the flow runs, an item after the one that was given up raises."""
    publisher = make(NOBODY, delivery_seconds=0.05)
    publisher.open()
    publisher.consume(1)
    publisher._producer.flush(LONG_SECONDS)

    with pytest.raises(OutputError, match="Message timed out"):
        publisher.consume(None)
    publisher.close()


def test_what_was_not_delivered_is_told_at_the_end() -> None:
    """Also where nothing comes after it."""
    with pytest.raises(OutputError, match=r"1 items were not sent: .*Message timed out"):
        publish(make(NOBODY, delivery_seconds=0.05), 1)


def test_skip_makes_a_remark_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """With on_error="skip" a dead broker costs messages, not the flow."""
    notes: list[str] = []
    monkeypatch.setattr(KafkaPublisher, "note", lambda _, text: notes.append(text))

    publish(make(NOBODY, on_error="skip", flush_seconds=0.05), {"a": 1})

    assert len(notes) == 1
    assert "1 items were not sent" in notes[0]


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"acks": "some"}, id="acks"),
        pytest.param({"topic": "a-{"}, id="topic"),
        pytest.param({"max_queued_items": 0}, id="no-room"),
        pytest.param({"delivery_seconds": 0}, id="no-time"),
    ],
)
def test_refuses_what_makes_no_sense(options: dict[str, Any]) -> None:
    """A wrong argument is refused when the node is made."""
    with pytest.raises(GraphError):
        make(NOBODY, **options)


def test_a_setting_that_there_is_not() -> None:
    """What librdkafka refuses is refused before the flow starts."""
    with pytest.raises(GraphError, match=r"no\.such"):
        make(NOBODY, settings={"no.such": 1}).check()


def test_travels_to_a_worker() -> None:
    """The node goes through pickle as it was made."""
    again = cloudpickle.loads(cloudpickle.dumps(make(NOBODY, "a-{stream}")))

    assert again.topic.fill({"stream": "b/c"}) == "a-b_c"


def test_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has not installed it is told so before the flow starts."""
    monkeypatch.setitem(sys.modules, "confluent_kafka", None)

    with pytest.raises(MissingDependencyError, match=r'pip install "videoflow\[kafka\]"'):
        make(NOBODY).check()
