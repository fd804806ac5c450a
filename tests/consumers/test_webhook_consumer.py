from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import cloudpickle
import numpy as np
import pytest

from videoflow.consumers import WebhookConsumer
from videoflow.data import Counts, Crossing, LineTotals, Stamp
from videoflow.errors import GraphError, OutputError


class Receiver(ThreadingHTTPServer):
    """A server on this machine that answers as it is told and keeps what it was sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.answers: list[int] = []
        self.bodies: list[Any] = []
        self.headers: list[dict[str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/hook"


class _Answer(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.bodies.append(json.loads(body))
        self.server.headers.append(dict(self.headers))
        self.send_response(self.server.answers.pop(0) if self.server.answers else 204)
        self.send_header("Location", "/elsewhere")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def make(url: str, waits: list[float], **options: Any) -> WebhookConsumer:
    return WebhookConsumer(url, jitter=lambda: 1.0, sleep=waits.append, **options)


def test_posts_each_item_as_json(receiver: Receiver) -> None:
    """One input is the body itself, several are a list; headers go along."""
    webhook = make(receiver.url, [], headers={"Authorization": "Bearer x"})

    webhook.consume({"people": np.int64(3), "boxes": np.zeros((1, 2), np.float32)})
    webhook.consume(1, None)

    assert receiver.bodies == [{"people": 3, "boxes": [[0.0, 0.0]]}, [1, None]]
    assert receiver.headers[0]["Content-Type"] == "application/json"
    assert receiver.headers[0]["Authorization"] == "Bearer x"


def test_data_classes_become_objects(receiver: Receiver) -> None:
    """Counts arrive as an object with the names of its fields."""
    stamp = Stamp("door", 4, 0.4, (20, 30))
    totals = LineTotals(into=1)
    counts = Counts(stamp, (Crossing(stamp, "gate", 7, 0, "in", totals),), {"gate": totals})

    make(receiver.url, []).consume(counts)

    (body,) = receiver.bodies
    assert body["stamp"] == {
        "stream": "door",
        "index": 4,
        "pts_seconds": 0.4,
        "size_hw": [20, 30],
    }
    assert body["crossings"][0]["track_id"] == 7
    assert body["totals"] == {"gate": {"into": 1, "out_of": 0}}


@pytest.mark.parametrize(
    ("answers", "want_waits"),
    [
        pytest.param([], [], id="accepted"),
        pytest.param([503, 429], [0.5, 1.0], id="accepted-at-the-third"),
    ],
)
def test_tries_again_what_may_pass(
    receiver: Receiver, answers: list[int], want_waits: list[float]
) -> None:
    """A busy server is asked again, after pauses that double."""
    receiver.answers = answers.copy()
    waits: list[float] = []

    make(receiver.url, waits).consume("hello")

    assert waits == want_waits
    assert receiver.bodies == ["hello"] * (len(answers) + 1)


@pytest.mark.parametrize(
    ("answers", "num_posts", "reason"),
    [
        pytest.param([500] * 3, 3, "HTTP 500", id="never-recovers"),
        pytest.param([404], 1, "HTTP 404", id="not-found-is-final"),
        pytest.param([302], 1, "HTTP 302", id="redirection-is-not-followed"),
    ],
)
def test_refused_for_good_is_an_error(
    receiver: Receiver, answers: list[int], num_posts: int, reason: str
) -> None:
    """An item that is not accepted ends in an error that hides what the address may hold."""
    receiver.answers = answers.copy()

    with pytest.raises(OutputError, match=reason) as caught:
        make(receiver.url + "?key=secret", [], max_attempts=3).consume("hello")

    assert len(receiver.bodies) == num_posts
    assert "secret" not in str(caught.value)


def test_nobody_there_is_tried_again_and_an_error() -> None:
    """A server that is not reached counts as one that may come back, up to max_attempts."""
    with Receiver() as gone:
        url = gone.url
    waits: list[float] = []

    with pytest.raises(OutputError, match="want an answer of 2xx"):
        make(url, waits, timeout_seconds=0.2, max_attempts=2).consume("hello")

    assert waits == [0.5]


def test_what_json_cannot_hold_is_an_error() -> None:
    """An object without a JSON form is refused before anything is sent."""
    with pytest.raises(OutputError, match="got a object, want what JSON can hold"):
        make("http://127.0.0.1/", []).consume(object())


@pytest.mark.parametrize(
    ("url", "options"),
    [
        pytest.param("ftp://host/x", {}, id="scheme"),
        pytest.param("nowhere", {}, id="no-host"),
        pytest.param("http://host/", {"max_attempts": 0}, id="no-attempt"),
        pytest.param("http://host/", {"timeout_seconds": 0}, id="no-time"),
    ],
)
def test_refuses_what_makes_no_sense(url: str, options: dict[str, Any]) -> None:
    """A wrong argument is refused when the node is made."""
    with pytest.raises(GraphError, match="want"):
        WebhookConsumer(url, **options)


def test_travels_to_a_worker() -> None:
    """The node goes through pickle as made by default."""
    webhook = WebhookConsumer("http://host/")

    assert cloudpickle.loads(cloudpickle.dumps(webhook)).url == webhook.url
