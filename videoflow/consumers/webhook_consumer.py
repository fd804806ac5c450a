"""Items as JSON, posted to a web address.

Knows HTTP and which answer may be another one later, not what is worth sending: filter
before it.
"""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Mapping
from http import HTTPStatus
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit

from videoflow.consumers.json_records import to_json
from videoflow.consumers.outbox import Failure, Outbox, Retries, tell_unsent
from videoflow.core.node import ConsumerNode
from videoflow.errors import GraphError, OutputError

__all__ = ["WebhookConsumer"]


class WebhookConsumer(ConsumerNode):
    """Posts each item as JSON, in order, from a thread of its own.

    The body is the input itself, or a list of the inputs where the node has several parents.
    Data classes become objects and NumPy arrays become lists. A server that is not reached,
    takes too long, or answers 429 or 5xx is tried again after a growing, random pause; any
    other answer but 2xx is final, and so is a redirection (following one would turn the POST
    into a GET). Delivery is *at least once*: an answer that got lost means a second POST.

    The flow never waits for the server, but for ``max_wait_seconds`` where the queue is full.
    What is not accepted, and what finds no room, is an error of the node: ``on_error="stop"``
    ends the flow, ``"skip"`` counts a frame as failed and goes on. At the end the queue is
    sent for ``flush_seconds``; what is left then is an error too, or with ``"skip"`` a remark
    in the report.

    Args:
        url: ``http://`` or ``https://``.
        headers: Sent with each request, for a token for example.
        timeout_seconds: For one attempt; a server may be silent for so long.
        max_attempts: How often one item is tried.
        first_wait_seconds: The longest pause before the second attempt; it doubles from there
            up to 30 s.
        max_queued_items: So many may wait to be sent.
        max_wait_seconds: How long an item may wait for room in the queue; for a file that is
            read faster than the server answers, choose some seconds.
        flush_seconds: How long the end may wait for the queue; a stop allows four in all.
        **options: See ``NodeOptions``.

    Raises:
        GraphError: A value that makes no sense.
    """

    auto_device = "cpu"

    def __init__(  # noqa: PLR0913 - one argument for each knob of an HTTP client
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        timeout_seconds: float = 5.0,
        max_attempts: int = 4,
        first_wait_seconds: float = 0.5,
        max_queued_items: int = 1000,
        max_wait_seconds: float = 0.0,
        flush_seconds: float = 3.0,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise GraphError(f"{self.name!r}: got url={url!r}, want http://... or https://...")
        for key, value in (
            ("timeout_seconds", timeout_seconds),
            ("max_attempts", max_attempts),
            ("max_queued_items", max_queued_items),
        ):
            if not value > 0:
                raise GraphError(f"{self.name!r}: got {key}={value!r}, want > 0")
        self.url = url
        self.headers = {"Content-Type": "application/json", **(headers or {})}
        self.timeout_seconds = timeout_seconds
        self.retries = Retries(max_attempts, first_wait_seconds)
        self.max_queued_items = max_queued_items
        self.max_wait_seconds = max_wait_seconds
        self.flush_seconds = flush_seconds
        self._outbox: Outbox[bytes] | None = None

    def open(self) -> None:
        """Start the thread that sends."""
        self._outbox = Outbox(
            self._post,
            retries=self.retries,
            max_items=self.max_queued_items,
            max_wait_seconds=self.max_wait_seconds,
        )

    def consume(self, *inputs: Any) -> None:
        """Queue one item.

        Raises:
            OutputError: There is no room for it, or an earlier one was not accepted (this one
                is queued then all the same).
        """
        assert self._outbox is not None, "open() comes first"
        self._outbox.put(to_json(inputs[0] if len(inputs) == 1 else inputs).encode())
        failure = self._outbox.take_failure()
        if failure is not None:
            raise OutputError(
                f"{self.name!r}: {_without_secrets(self.url)}: got {failure.reason}, "
                "want an answer of 2xx",
                help='on_error="skip" gives an item up instead of ending the flow',
            )

    def close(self) -> None:
        """Send what waits, for a limited time.

        Raises:
            OutputError: Something was not sent, and ``on_error`` is ``stop``.
        """
        outbox, self._outbox = self._outbox, None
        if outbox is None:
            return
        num_unsent, reason = outbox.close(self.flush_seconds), "the flow ended before"
        while (failure := outbox.take_failure()) is not None:
            num_unsent, reason = num_unsent + 1, failure.reason
        tell_unsent(self, num_unsent, f"{_without_secrets(self.url)}: {reason}")

    def _post(self, body: bytes) -> Failure | None:
        request = urllib.request.Request(self.url, body, self.headers, method="POST")
        opener = urllib.request.build_opener(_NoRedirect)
        try:
            with opener.open(request, timeout=self.timeout_seconds):
                return None
        except urllib.error.HTTPError as error:
            with error:
                is_passing = error.code == HTTPStatus.TOO_MANY_REQUESTS or error.code >= 500
                return Failure(f"HTTP {error.code} {error.reason}", is_passing=is_passing)
        except (OSError, HTTPException) as error:  # URLError and TimeoutError are OSErrors
            return Failure(str(getattr(error, "reason", error)), is_passing=True)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Answers a redirection with an error."""

    def redirect_request(self, *_args: Any, **_kwargs: Any) -> None:
        return None


def _without_secrets(url: str) -> str:
    """Return ``url`` without user, password and query, for messages."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname}{port}{parts.path}"
