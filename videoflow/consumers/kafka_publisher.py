"""Results as messages to Apache Kafka; the door to confluent-kafka, which brings librdkafka.

Source: https://github.com/confluentinc/librdkafka/blob/master/CONFIGURATION.md
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from videoflow.consumers.json_records import json_records, to_json
from videoflow.consumers.outbox import tell_unsent
from videoflow.consumers.topic_template import TopicTemplate
from videoflow.core.node import ConsumerNode
from videoflow.data.rows import stream_of
from videoflow.errors import GraphError, MissingDependencyError, OutputError

__all__ = ["KafkaPublisher"]

_UNSAFE = r"[^a-zA-Z0-9._-]"  # what the name of a topic may not hold


class KafkaPublisher(ConsumerNode):
    """Publish a message for each record that ``JsonLinesWriter`` has a line for, as JSON.

    The key of a message is its stream, so that the messages of one stream are in one partition,
    in order; with ``acks="all"`` each is written once, also where it was sent twice. The
    client's threads connect, send in batches and try again; the flow never waits for a broker,
    but for ``max_wait_seconds`` where the queue is full. What finds no room, and what was not
    delivered within ``delivery_seconds``, is an error of the node: ``on_error="stop"`` ends
    the flow, ``"skip"`` counts a frame as failed and goes on. At the end the queue is sent for
    ``flush_seconds``; what is left then is an error too, or with ``"skip"`` a remark in the
    report.

    Tested against the broker that is built into librdkafka for tests, not against Apache
    Kafka itself.

    Args:
        servers: ``host:port`` of one or more brokers, with commas between.
        topic: With fields of the record in braces, such as ``people-{stream}``; in a field all
            but letters, digits, ``.``, ``_`` and ``-`` becomes ``_``.
        acks: Who must have a message: ``all`` replicas in sync, the ``leader``, or ``none``.
        settings: More of librdkafka's settings, for security for example; they win.
        delivery_seconds: How long a message is tried.
        max_queued_items: So many messages may wait to be sent.
        max_wait_seconds: How long a message may wait for room in the queue.
        flush_seconds: How long the end may wait for the queue; a stop allows four in all.
        **options: See ``NodeOptions``.

    Raises:
        GraphError: A value that makes no sense.
    """

    auto_device = "cpu"
    preload: ClassVar[tuple[str, ...]] = ("numpy", "confluent_kafka")

    def __init__(  # noqa: PLR0913 - one argument for each knob of a client
        self,
        servers: str,
        topic: str,
        *,
        acks: Literal["all", "leader", "none"] = "all",
        settings: Mapping[str, str | int | float | bool] | None = None,
        delivery_seconds: float = 120.0,
        max_queued_items: int = 10_000,
        max_wait_seconds: float = 0.0,
        flush_seconds: float = 3.0,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        known = {"all": "all", "leader": "1", "none": "0"}
        if acks not in known:
            raise GraphError(
                f"{self.name!r}: got acks={acks!r}, want one of {', '.join(known)}"
            )
        for key, value in (
            ("delivery_seconds", delivery_seconds),
            ("max_queued_items", max_queued_items),
        ):
            if not value > 0:
                raise GraphError(f"{self.name!r}: got {key}={value!r}, want > 0")
        self.servers = servers
        self.topic = TopicTemplate(topic, unsafe=_UNSAFE)
        self.max_wait_seconds = max_wait_seconds
        self.flush_seconds = flush_seconds
        self._settings = {
            "bootstrap.servers": servers,
            "acks": known[acks],
            "enable.idempotence": acks == "all",
            "message.timeout.ms": round(delivery_seconds * 1000),
            "queue.buffering.max.messages": max_queued_items,
            "log_level": 0,  # it would write to standard error; what matters is raised
            **(settings or {}),
        }
        self._producer: Any = None
        self._failures: deque[str] = deque()
        self._reason = ""

    def check(self) -> None:
        """Look for the library, and show it the settings; a broker that is away is no error.

        Raises:
            MissingDependencyError: confluent-kafka is not installed.
            GraphError: A setting that librdkafka refuses.
        """
        self._make_producer()

    def open(self) -> None:
        """Begin to connect, in the client's threads."""
        self._failures.clear()
        self._reason = "no broker confirmed them in time"
        self._producer = self._make_producer()

    def consume(self, *inputs: Any) -> None:
        """Queue the records of each input.

        Raises:
            OutputError: There is no room, a record lacks a field of the topic or holds what
                JSON cannot hold, or an earlier message was not delivered (these are queued
                then all the same).
        """
        for value in inputs:
            for record in json_records(value):
                topic, payload = self.topic.fill(record), to_json(record).encode()
                self._publish(topic, payload, key=stream_of(value) or stream_of(record))
        self._producer.poll(0)
        if self._failures:
            raise OutputError(
                f"{self.name!r}: {self.servers}: got {self._failures.popleft()}, "
                "want a message to be delivered",
                help='on_error="skip" gives a message up instead of ending the flow',
            )

    def close(self) -> None:
        """Send what waits, for a limited time.

        Raises:
            OutputError: Something was not sent, and ``on_error`` is ``stop``.
        """
        producer, self._producer = self._producer, None
        if producer is None:
            return
        num_unsent = producer.flush(self.flush_seconds)
        num_unsent += len(self._failures)
        if self._failures:
            self._reason = self._failures[-1]
        producer.purge()  # else letting go of it waits for what was not sent
        tell_unsent(self, num_unsent, f"{self.servers}: {self._reason}")

    def _publish(self, topic: str, payload: bytes, *, key: str | None) -> None:
        kafka = _import_kafka()
        try:
            try:
                self._producer.produce(topic, payload, key, on_delivery=self._on_delivery)
            except BufferError:
                self._producer.poll(self.max_wait_seconds)
                self._producer.produce(topic, payload, key, on_delivery=self._on_delivery)
        except (BufferError, kafka.KafkaException) as error:
            raise OutputError(
                f"{self.name!r}: {self.servers}: got one message more, which was refused: "
                f"{error}; want room within {self.max_wait_seconds:g} s",
                help='on_error="skip" gives such messages up and counts them as failed',
            ) from error

    def _on_delivery(self, error: Any, _message: Any) -> None:
        if error is not None:
            self._failures.append(error.str())

    def _make_producer(self) -> Any:
        kafka = _import_kafka()
        try:
            return kafka.Producer({**self._settings, "error_cb": self._on_error})
        except kafka.KafkaException as error:
            raise GraphError(
                f"{self.name!r}: {error.args[0].str()}", help="see settings="
            ) from error

    def _on_error(self, error: Any) -> None:
        self._reason = error.str()


def _import_kafka() -> Any:
    try:
        import confluent_kafka
    except ImportError as error:
        raise MissingDependencyError(
            "Kafka needs confluent-kafka, which is not installed",
            help='pip install "videoflow[kafka]"',
        ) from error
    return confluent_kafka
