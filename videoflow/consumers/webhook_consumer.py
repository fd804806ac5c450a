"""Items as JSON, posted to a web address.

Knows HTTP and when to try again, not what is worth sending: filter before it.
"""

from __future__ import annotations

import dataclasses
import json
import random
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from videoflow.core.node import ConsumerNode
from videoflow.errors import GraphError, OutputError

__all__ = ["WebhookConsumer", "backoff_seconds"]

_MAX_WAIT_SECONDS = 30.0


class WebhookConsumer(ConsumerNode):
    """Posts each item as JSON and waits for the answer before it takes the next.

    The body is the input itself, or a list of the inputs where the node has several parents.
    Data classes become objects and NumPy arrays become lists. A server that is not reached,
    takes too long, or answers 429 or 5xx is tried again after a growing, random pause; any
    other answer but 2xx is final, and so is a redirection (following one would turn the POST
    into a GET). Delivery is *at least once*: an answer that got lost means a second POST.

    Args:
        url: ``http://`` or ``https://``.
        headers: Sent with each request, for a token for example.
        timeout_seconds: For one attempt.
        max_attempts: How often one item is tried.
        first_wait_seconds: The longest pause before the second attempt; it doubles from there
            up to 30 s.
        jitter: Returns numbers in [0, 1), the share of each pause that is waited.
        sleep: Waits so many seconds.
        **options: See ``NodeOptions``; ``on_error="skip"`` gives an item up and goes on.

    Raises:
        GraphError: A value that makes no sense.

    Source: full jitter, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    """

    def __init__(  # noqa: PLR0913 - one argument for each knob of an HTTP client
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        timeout_seconds: float = 5.0,
        max_attempts: int = 4,
        first_wait_seconds: float = 0.5,
        jitter: Callable[[], float] | None = None,
        sleep: Callable[[float], None] = time.sleep,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise GraphError(f"{self.name!r}: got url={url!r}, want http://... or https://...")
        for key, value in (
            ("timeout_seconds", timeout_seconds),
            ("max_attempts", max_attempts),
        ):
            if not value > 0:
                raise GraphError(f"{self.name!r}: got {key}={value!r}, want > 0")
        self.url = url
        self.headers = {"Content-Type": "application/json", **(headers or {})}
        self.timeout_seconds = timeout_seconds
        self.max_attempts = max_attempts
        self.first_wait_seconds = first_wait_seconds
        self._jitter = jitter
        self._sleep = sleep

    def consume(self, *inputs: Any) -> None:
        """Post one item.

        Raises:
            OutputError: It was not accepted.
        """
        body = json.dumps(inputs[0] if len(inputs) == 1 else inputs, default=_plain).encode()
        waits = backoff_seconds(
            self.max_attempts - 1, self.first_wait_seconds, self._jitter or random.random
        )
        while (failure := self._post(body)) is not None:
            wait_seconds = next(waits, None) if failure.is_passing else None
            if wait_seconds is None:
                raise OutputError(
                    f"{self.name!r}: {_without_secrets(self.url)}: got {failure.reason}, "
                    "want an answer of 2xx",
                    help='on_error="skip" gives an item up instead of ending the flow',
                )
            self._sleep(wait_seconds)

    def _post(self, body: bytes) -> _Failure | None:
        request = urllib.request.Request(self.url, body, self.headers, method="POST")
        opener = urllib.request.build_opener(_NoRedirect)
        try:
            with opener.open(request, timeout=self.timeout_seconds):
                return None
        except urllib.error.HTTPError as error:
            with error:
                is_passing = error.code == HTTPStatus.TOO_MANY_REQUESTS or error.code >= 500
                return _Failure(f"HTTP {error.code} {error.reason}", is_passing=is_passing)
        except OSError as error:  # URLError and TimeoutError are OSErrors
            return _Failure(str(getattr(error, "reason", error)), is_passing=True)


def backoff_seconds(
    num_waits: int, first_seconds: float, jitter: Callable[[], float]
) -> Iterator[float]:
    """Yield the pauses between attempts.

    Args:
        num_waits: How many.
        first_seconds: The most that the first may be; it doubles up to 30 s.
        jitter: Returns numbers in [0, 1).

    Example:
        >>> list(backoff_seconds(3, 0.5, lambda: 1.0))
        [0.5, 1.0, 2.0]
    """
    for k in range(num_waits):
        yield min(_MAX_WAIT_SECONDS, first_seconds * 2**k) * jitter()


@dataclasses.dataclass(frozen=True, slots=True)
class _Failure:
    """Why a POST was not accepted, and whether that may pass."""

    reason: str
    is_passing: bool


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Answers a redirection with an error."""

    def redirect_request(self, *_args: Any, **_kwargs: Any) -> None:
        return None


def _plain(value: object) -> object:
    """Return ``value`` as something that JSON has."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    raise OutputError(
        f"got a {type(value).__name__}, want what JSON can hold",
        help="send what a detector, tracker or counter says, not the frame",
    )


def _without_secrets(url: str) -> str:
    """Return ``url`` without user, password and query, for messages."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname}{port}{parts.path}"
