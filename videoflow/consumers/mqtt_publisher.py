"""Results as messages to an MQTT broker; the door to paho-mqtt.

Source: OASIS, *MQTT Version 3.1.1*, section 4.3 (quality of service).
"""

from __future__ import annotations

import re
import sys
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from videoflow.consumers.json_records import json_records, to_json
from videoflow.consumers.outbox import Failure, Outbox, Retries, tell_unsent
from videoflow.consumers.topic_template import TopicTemplate
from videoflow.core.node import ConsumerNode
from videoflow.errors import GraphError, MissingDependencyError

if TYPE_CHECKING:
    from paho.mqtt.client import Client, MQTTMessageInfo

__all__ = ["MqttPublisher"]

_UNSAFE = r"[/+#\x00]"  # what MQTT gives a meaning in a topic
_FIRST_WAIT_SECONDS, _MAX_WAIT_SECONDS = 1, 30
_LOOK_SECONDS = 0.05
_NO_CONNECTION = 4  # paho's MQTT_ERR_NO_CONN
_MAX_FLYING = 20  # not confirmed at a time; what Mosquitto and paho allow by default
_FOR_EVER = Retries(max_attempts=sys.maxsize, first_wait_seconds=0.0)  # an attempt waits

Message = tuple[str, bytes]  # topic and payload


class MqttPublisher(ConsumerNode):
    """Publish a message for each record that ``JsonLinesWriter`` has a line for, as JSON.

    A thread connects, and connects again after growing pauses, for as long as the flow lives;
    the flow never waits for the broker, but for ``max_wait_seconds`` where the queue is full.
    Messages leave in order and wait in the queue while there is no broker. With ``qos`` 1 and
    2 they count as sent when the broker confirmed them, with 0 when they left. What finds no
    room is an error of the node: ``on_error="stop"`` ends the flow, ``"skip"`` counts the
    frame as failed and goes on. At the end the queue is sent for ``flush_seconds``; what is
    left then is an error too, or with ``"skip"`` a remark in the report.

    Args:
        host: Of the broker.
        topic: With fields of the record in braces, such as ``people/{stream}/{line}``; in a
            field ``/``, ``+`` and ``#`` become ``_``.
        port: Of the broker.
        qos: 0 at most once, 1 at least once, 2 exactly once.
        is_retained: The broker keeps the last message of each topic for who comes later.
        username: For the broker.
        password: For the broker.
        is_encrypted: TLS, with the certificates that the system trusts.
        client_id: Empty for one that the broker or the client chooses.
        max_queued_items: So many messages may wait to be sent.
        max_wait_seconds: How long a message may wait for room in the queue.
        flush_seconds: How long the end may wait for the queue; a stop allows four in all.
        **options: See ``NodeOptions``.

    Raises:
        GraphError: A value that makes no sense.
    """

    auto_device = "cpu"
    preload: ClassVar[tuple[str, ...]] = ("numpy", "paho.mqtt.client")

    def __init__(  # noqa: PLR0913 - one argument for each knob of a client
        self,
        host: str,
        topic: str,
        *,
        port: int = 1883,
        qos: Literal[0, 1, 2] = 1,
        is_retained: bool = False,
        username: str | None = None,
        password: str | None = None,
        is_encrypted: bool = False,
        client_id: str = "",
        max_queued_items: int = 1000,
        max_wait_seconds: float = 0.0,
        flush_seconds: float = 3.0,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        if qos not in (0, 1, 2):
            raise GraphError(f"{self.name!r}: got qos={qos!r}, want 0, 1 or 2")
        if max_queued_items < 1:
            raise GraphError(
                f"{self.name!r}: got max_queued_items={max_queued_items}, want >= 1"
            )
        if re.search("[+#]", topic):
            raise GraphError(f"{self.name!r}: got topic={topic!r}, want one without + and #")
        self.host = host
        self.port = port
        self.topic = TopicTemplate(topic, unsafe=_UNSAFE)
        self.qos = qos
        self.is_retained = is_retained
        self.is_encrypted = is_encrypted
        self.client_id = client_id
        self.max_queued_items = max_queued_items
        self.max_wait_seconds = max_wait_seconds
        self.flush_seconds = flush_seconds
        self._login = (username, password)
        self._link: _Link | None = None
        self._outbox: Outbox[Message] | None = None

    def check(self) -> None:
        """Look for paho-mqtt; a broker that is away is no error.

        Raises:
            MissingDependencyError: It is not installed.
        """
        _import_paho()

    def open(self) -> None:
        """Begin to connect, in a thread."""
        paho = _import_paho()
        client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id=self.client_id)
        if self._login[0] is not None:
            client.username_pw_set(*self._login)
        if self.is_encrypted:
            client.tls_set()
        self._link = _Link(client, qos=self.qos, is_retained=self.is_retained)
        client.reconnect_delay_set(_FIRST_WAIT_SECONDS, _MAX_WAIT_SECONDS)
        client.connect_async(self.host, self.port)
        client.loop_start()
        self._outbox = Outbox(
            self._link.send,
            retries=_FOR_EVER,
            max_items=self.max_queued_items,
            max_wait_seconds=self.max_wait_seconds,
        )

    def consume(self, *inputs: Any) -> None:
        """Queue the records of each input.

        Raises:
            OutputError: There is no room, a record lacks a field of the topic, or holds what
                JSON cannot hold.
        """
        assert self._outbox is not None, "open() comes first"
        for value in inputs:
            for record in json_records(value):
                self._outbox.put((self.topic.fill(record), to_json(record).encode()))

    def close(self) -> None:
        """Send what waits, for a limited time, and disconnect.

        Raises:
            OutputError: Something was not sent, and ``on_error`` is ``stop``.
        """
        link, outbox = self._link, self._outbox
        self._link = self._outbox = None
        if link is None or outbox is None:
            return
        deadline = time.monotonic() + self.flush_seconds
        num_unsent = outbox.close(self.flush_seconds)
        num_unsent += link.close(deadline)
        tell_unsent(self, num_unsent, f"{self.host}:{self.port}: {link.reason}")


class _Link:
    """A client that gets messages when it is connected, and few at once.

    Paho would take messages at any time, and send all of them when it is connected. A broker
    has room for so many that it has not confirmed; Mosquitto confirms what is too much for it,
    and forgets it.
    """

    def __init__(self, client: Client, *, qos: int, is_retained: bool) -> None:
        self.reason = "no broker was reached"
        self._client = client
        self._qos = qos
        self._is_retained = is_retained
        self._connected = threading.Event()
        self._num_connections = 0
        self._flying: deque[tuple[int, MQTTMessageInfo]] = deque()  # connection, message
        self._num_lost = 0
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect

    def send(self, message: Message) -> Failure | None:
        """Hand a message to the client, or say soon that this cannot be done yet."""
        if not self._connected.wait(_LOOK_SECONDS):
            return Failure(self.reason, is_passing=True)
        if self._num_flying() >= _MAX_FLYING:
            self._flying[0][1].wait_for_publish(_LOOK_SECONDS)
            if self._num_flying() >= _MAX_FLYING:
                return Failure(self.reason, is_passing=True)
        connection = self._num_connections
        info = self._client.publish(*message, self._qos, self._is_retained)
        if info.rc == _NO_CONNECTION:
            if self._qos == 0:
                return Failure(self.reason, is_passing=True)
            info.rc = type(info.rc)(0)  # the client keeps it: it may be asked about its fate
        self._flying.append((connection, info))
        return None

    def close(self, deadline: float) -> int:
        """Wait for what is on its way, and disconnect; return how many were not confirmed."""
        while self._num_flying() and (left_seconds := deadline - time.monotonic()) > 0:
            # Not for all the time at once: with qos=0 a message may be lost on its way.
            self._flying[0][1].wait_for_publish(min(left_seconds, _LOOK_SECONDS))
        self._client.disconnect()
        self._client.loop_stop()
        return self._num_lost + self._num_flying()

    def _num_flying(self) -> int:
        while self._flying:
            connection, info = self._flying[0]
            is_lost = self._qos == 0 and connection != self._num_connections
            if not is_lost and not info.is_published():
                break
            self._num_lost += not info.is_published()
            self._flying.popleft()
        return len(self._flying)

    def _on_connect(self, *event: Any) -> None:
        _client, _user, _flags, code, _properties = event
        if code.is_failure:
            self.reason = f"the broker refuses: {code}"
            return
        self.reason = "the broker did not confirm them"
        self._num_connections += 1
        self._connected.set()

    def _on_disconnect(self, *_event: Any) -> None:
        self._connected.clear()


def _import_paho() -> Any:
    try:
        import paho.mqtt.client as paho
    except ImportError as error:
        raise MissingDependencyError(
            "MQTT needs paho-mqtt, which is not installed",
            help='pip install "videoflow[mqtt]"',
        ) from error
    return paho
