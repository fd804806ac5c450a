"""Results as messages to an MQTT broker; the door to paho-mqtt.

Source: OASIS, *MQTT Version 3.1.1*, section 4.3 (quality of service).
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from videoflow.consumers.json_records import json_records, to_json
from videoflow.consumers.outbox import tell_unsent
from videoflow.consumers.topic_template import TopicTemplate
from videoflow.core.node import ConsumerNode
from videoflow.errors import GraphError, MissingDependencyError, OutputError

if TYPE_CHECKING:
    from paho.mqtt.client import Client

__all__ = ["MqttPublisher"]

_UNSAFE = r"[/+#\x00]"  # what MQTT gives a meaning in a topic
_FIRST_WAIT_SECONDS, _MAX_WAIT_SECONDS = 1, 30


class MqttPublisher(ConsumerNode):
    """Publish a message for each record that ``JsonLinesWriter`` has a line for, as JSON.

    A thread connects, and connects again after growing pauses, for as long as the flow lives;
    the flow never waits for the broker, but for ``max_wait_seconds`` where the queue is full.
    Messages arrive in order. With ``qos`` 1 and 2 they wait in the queue while there is no
    broker, 0 included here: a message counts as sent when the broker has it (``qos`` 0: when
    it left). What finds no room is an error of the node: ``on_error="stop"`` ends the flow,
    ``"skip"`` counts the frame as failed and goes on. At the end the queue is sent for
    ``flush_seconds``; what is left then is an error too, or with ``"skip"`` a remark in the
    report.

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
        if max_queued_items < 1:
            raise GraphError(f"{self.name!r}: got max_queued_items={max_queued_items}, want >= 1")
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
        self._link = _Link(client, max_items=self.max_queued_items)
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
                topic, payload = self.topic.fill(record), to_json(record).encode()
                self._link.wait_for_room(self.max_wait_seconds)
                self._link.publish(topic, payload, qos=self.qos, retain=self.is_retained)

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
    """A client, and how many of its messages the broker has not got yet."""

    def __init__(self, client: Client, *, max_items: int) -> None:
        self.reason = "no broker was reached"
        self._client = client
        self._max_items = max_items
        self._changed = threading.Condition()
        self._waiting: dict[int, tuple[str, bytes, int, bool]] = {}
        client.max_queued_messages_set(0)  # counted here, for all qualities alike
        client.on_publish = self._on_publish
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
