"""Results as messages to an MQTT broker; the door to paho-mqtt.

Source: OASIS, *MQTT Version 3.1.1*, section 4.3 (quality of service).
"""

from __future__ import annotations

import re
import time
from collections import deque
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from videoflow.consumers.json_records import json_records, to_json
from videoflow.consumers.outbox import tell_unsent
from videoflow.consumers.topic_template import TopicTemplate
from videoflow.core.node import ConsumerNode
from videoflow.errors import GraphError, MissingDependencyError, OutputError

if TYPE_CHECKING:
    from paho.mqtt.client import Client, MQTTMessageInfo

__all__ = ["MqttPublisher"]

_UNSAFE = r"[/+#\x00]"  # what MQTT gives a meaning in a topic
_FIRST_WAIT_SECONDS, _MAX_WAIT_SECONDS = 1, 30
_LOOK_SECONDS = 0.05
_NO_CONNECTION = 4  # paho's MQTT_ERR_NO_CONN
_MAX_QUEUED_ITEMS = 65_535  # a message's number has 16 bits


class MqttPublisher(ConsumerNode):
    """Publish a message for each record that ``JsonLinesWriter`` has a line for, as JSON.

    A thread connects, and connects again after growing pauses, for as long as the flow lives;
    the flow never waits for the broker, but for ``max_wait_seconds`` where the queue is full.
    Messages leave in order. With ``qos`` 1 and 2 they wait in the queue while there is no
    broker, and count as sent when the broker confirmed them; with 0 they count when they left,
    and want a broker that is there. What finds no room, or no broker, is an error of the node:
    ``on_error="stop"`` ends the flow, ``"skip"`` counts the frame as failed and goes on. At
    the end the queue is sent for ``flush_seconds``; what is left then is an error too, or with
    ``"skip"`` a remark in the report.

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
        if not 1 <= max_queued_items <= _MAX_QUEUED_ITEMS:
            raise GraphError(
                f"{self.name!r}: got max_queued_items={max_queued_items}, "
                f"want 1 to {_MAX_QUEUED_ITEMS}"
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
        self._link = _Link(client, qos=self.qos, max_items=self.max_queued_items)
        client.reconnect_delay_set(_FIRST_WAIT_SECONDS, _MAX_WAIT_SECONDS)
        client.connect_async(self.host, self.port)
        client.loop_start()

    def consume(self, *inputs: Any) -> None:
        """Queue the records of each input.

        Raises:
            OutputError: There is no room, a record lacks a field of the topic, or holds what
                JSON cannot hold.
        """
        assert self._link is not None, "open() comes first"
        for value in inputs:
            for record in json_records(value):
                self._link.publish(
                    self.topic.fill(record),
                    to_json(record).encode(),
                    is_retained=self.is_retained,
                    max_wait_seconds=self.max_wait_seconds,
                )

    def close(self) -> None:
        """Send what waits, for a limited time, and disconnect.

        Raises:
            OutputError: Something was not sent, and ``on_error`` is ``stop``.
        """
        link, self._link = self._link, None
        if link is not None:
            num_unsent = link.close(self.flush_seconds)
            tell_unsent(self, num_unsent, f"{self.host}:{self.port}: {link.reason}")


class _Link:
    """A client, and which of its messages the broker has not got yet."""

    def __init__(self, client: Client, *, qos: int, max_items: int) -> None:
        self.reason = "no broker was reached"
        self._client = client
        self._qos = qos
        self._max_items = max_items
        self._waiting: deque[tuple[int, MQTTMessageInfo]] = deque()  # connection, message
        self._num_lost = 0
        self._connection = 0
        client.max_queued_messages_set(0)  # counted here, for all qualities alike
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect

    def publish(
        self, topic: str, payload: bytes, *, is_retained: bool, max_wait_seconds: float
    ) -> None:
        """Queue a message.

        Raises:
            OutputError: There is no room, or no broker for a message that may not wait.
        """
        self._look_at_waiting()
        if len(self._waiting) >= self._max_items:
            self._waiting[0][1].wait_for_publish(max_wait_seconds)
            self._look_at_waiting()
        if len(self._waiting) >= self._max_items:
            raise OutputError(
                f"got one message more while {self._max_items} wait to be sent, want room "
                f"within {max_wait_seconds:g} s ({self.reason})",
                help='on_error="skip" gives such messages up and counts them as failed',
            )
        info = self._client.publish(topic, payload, self._qos, is_retained)
        if info.rc == _NO_CONNECTION:
            if self._qos == 0:
                raise OutputError(
                    f"got a message for qos=0, want a broker that is there ({self.reason})",
                    help="qos=1 lets messages wait for the broker",
                )
            info.rc = type(info.rc)(0)  # it waits, and may be asked whether it was sent
        self._waiting.append((self._connection, info))

    def close(self, flush_seconds: float) -> int:
        """Wait for what is not sent yet, and disconnect; return how many were not sent."""
        deadline = time.monotonic() + flush_seconds
        while self._waiting and (left_seconds := deadline - time.monotonic()) > 0:
            # Not for all the time at once: without quality a message may get lost on its way.
            self._waiting[0][1].wait_for_publish(min(left_seconds, _LOOK_SECONDS))
            self._look_at_waiting()
        self._client.disconnect()
        self._client.loop_stop()
        return self._num_lost + len(self._waiting)

    def _look_at_waiting(self) -> None:
        while self._waiting:
            connection, info = self._waiting[0]
            is_lost = self._qos == 0 and connection != self._connection
            if not is_lost and not info.is_published():
                return
            self._num_lost += not info.is_published()
            self._waiting.popleft()

    def _on_connect(self, *event: Any) -> None:
        _client, _user, _flags, code, _properties = event
        self.reason = f"the broker refuses: {code}" if code.is_failure else "it did not confirm"

    def _on_disconnect(self, *_event: Any) -> None:
        self._connection += 1


def _import_paho() -> Any:
    try:
        import paho.mqtt.client as paho
    except ImportError as error:
        raise MissingDependencyError(
            "MQTT needs paho-mqtt, which is not installed",
            help='pip install "videoflow[mqtt]"',
        ) from error
    return paho
