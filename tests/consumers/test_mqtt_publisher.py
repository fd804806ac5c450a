"""MqttPublisher against a real broker, and against none."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import cloudpickle
import pytest

from tests.consumers.mqtt_broker import free_port, mqtt_broker
from tests.results import counts
from videoflow.consumers import MqttPublisher
from videoflow.errors import GraphError, MissingDependencyError, OutputError

mqtt = pytest.importorskip("paho.mqtt.client", reason="paho-mqtt is not installed")

LONG_SECONDS = 30.0


class Listener:
    """Subscribes to all topics and keeps what comes."""

    def __init__(self, port: int) -> None:
        self.messages: list[tuple[str, Any]] = []
        self._changed = threading.Condition()
        self._is_ready = threading.Event()
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
        self._client.on_connect = lambda client, *_: client.subscribe("#", 1)
        self._client.on_subscribe = lambda *_: self._is_ready.set()
        self._client.on_message = self._on_message
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        assert self._is_ready.wait(LONG_SECONDS)

    def wait_for(self, num: int) -> list[tuple[str, Any]]:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.messages) >= num, LONG_SECONDS)
        return self.messages

    def wait_until_last(self, value: Any) -> tuple[str, Any]:
        def is_there() -> bool:
            return bool(self.messages) and self.messages[-1][1] == value

        with self._changed:
            assert self._changed.wait_for(is_there, LONG_SECONDS)
        return self.messages[-1]

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _on_message(self, _client: Any, _user: Any, message: Any) -> None:
        with self._changed:
            self.messages.append((message.topic, json.loads(message.payload)))
            self._changed.notify_all()


@pytest.fixture
def port() -> Iterator[int]:
    chosen = free_port()
    with mqtt_broker(chosen):
        yield chosen


def make(port: int, topic: str = "people", **options: Any) -> MqttPublisher:
    return MqttPublisher(
        "127.0.0.1", topic, port=port, **({"flush_seconds": LONG_SECONDS} | options)
    )


def publish(publisher: MqttPublisher, *values: Any) -> None:
    publisher.check()
    publisher.open()
    try:
        for value in values:
            publisher.consume(value)
    finally:
        publisher.close()


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_a_message_for_each_record(port: int, qos: int) -> None:
    """Crossings arrive as JSON under the topic of their stream and line, all, in order."""
    listener = Listener(port)

    publish(
        make(port, "people/{stream}/{line}", qos=qos),
        counts(0, num=0),
        None,
        *[counts(index, "hall/+1") for index in range(60)],
    )
    messages = listener.wait_for(60)
    listener.close()

    assert {topic for topic, _ in messages} == {"people/hall__1/gate"}
    assert [record["frame"] for _, record in messages] == list(range(60))
    assert messages[0][1]["direction"] == "in"


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_messages_wait_for_a_broker(qos: int) -> None:
    """What came before a broker was there is sent when there is one."""
    port = free_port()
    publisher = make(port, is_retained=True, qos=qos)
    publisher.open()
    for number in range(30):
        publisher.consume({"number": number})

    with mqtt_broker(port):
        publisher.close()
        listener = Listener(port)
        kept = listener.wait_until_last({"number": 29})
        listener.close()

    assert kept[0] == "people"


def test_a_broker_that_went_and_came_back() -> None:
    """Messages go on after a lost connection, none is missing."""
    port = free_port()
    publisher = make(port)
    with mqtt_broker(port):
        listener = Listener(port)
        publisher.open()
        publisher.consume(0)
        listener.wait_for(1)
        listener.close()
    publisher.consume(1)

    with mqtt_broker(port):
        listener = Listener(port)
        publisher.consume(2)
        publisher.close()
        last = listener.wait_until_last(2)
        listener.close()

    assert last == ("people", 2)


def test_a_dead_broker_does_not_hold_up_the_flow() -> None:
    """Messages are taken while there is room, refused at once without, and told at the end."""
    publisher = make(free_port(), max_queued_items=2, flush_seconds=0.05)
    publisher.open()
    start = time.monotonic()

    publisher.consume(0)
    publisher.consume(1)
    with pytest.raises(OutputError, match="while 2 wait to be sent"):
        publisher.consume(2)
    with pytest.raises(OutputError, match=r"2 items were not sent: .* no broker was reached"):
        publisher.close()

    assert time.monotonic() - start < LONG_SECONDS / 3


def test_skip_makes_a_remark_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """With on_error="skip" a dead broker costs messages, not the flow."""
    notes: list[str] = []
    monkeypatch.setattr(MqttPublisher, "note", lambda _, text: notes.append(text))

    publish(make(free_port(), on_error="skip", flush_seconds=0.05), {"a": 1})

    assert len(notes) == 1
    assert "1 items were not sent" in notes[0]


def test_a_record_without_a_field_of_the_topic() -> None:
    """The message tells what the record has."""
    publisher = make(free_port(), "people/{zone}")
    publisher.open()

    with pytest.raises(OutputError, match=r"got a record with stream, .* want 'zone'"):
        publisher.consume(counts())
    publisher.close()


@pytest.mark.parametrize(
    ("topic", "options"),
    [
        pytest.param("a/#", {}, id="wildcard"),
        pytest.param("a/{}", {}, id="no-name"),
        pytest.param("a/{b", {}, id="brace"),
        pytest.param("", {}, id="empty"),
        pytest.param("a", {"qos": 3}, id="qos"),
        pytest.param("a", {"max_queued_items": 0}, id="no-room"),
    ],
)
def test_refuses_what_makes_no_sense(topic: str, options: dict[str, Any]) -> None:
    """A wrong argument is refused when the node is made."""
    with pytest.raises(GraphError):
        MqttPublisher("localhost", topic, **options)


def test_travels_to_a_worker() -> None:
    """The node goes through pickle as it was made."""
    again = cloudpickle.loads(cloudpickle.dumps(make(1, "a/{stream}")))

    assert again.topic.fill({"stream": "b/c"}) == "a/b_c"


def test_without_paho(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has not installed it is told so before the flow starts."""
    monkeypatch.setitem(sys.modules, "paho.mqtt.client", None)

    with pytest.raises(MissingDependencyError, match=r'pip install "videoflow\[mqtt\]"'):
        make(1).check()
