from __future__ import annotations

import contextlib
import json
import threading
import time
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
    """A server on this machine that answers as it is told and keeps what it was sent.

    It has its port from the beginning, so that nobody else gets it, and is there from
    ``serving`` on: until then a connection is refused.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer, bind_and_activate=False)
        self.server_bind()
        self.answers: list[int] = []
        self.bodies: list[Any] = []
        self.headers: list[dict[str, str]] = []
        self.may_answer = threading.Event()
        self.may_answer.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/hook"


class _Answer(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.may_answer.wait(30)
        self.server.bodies.append(json.loads(body))
        self.server.headers.append(dict(self.headers))
        self.send_response(self.server.answers.pop(0) if self.server.answers else 204)
        self.send_header("Location", "/elsewhere")
        with contextlib.suppress(ConnectionError):  # who asked may have gone
            self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextlib.contextmanager
def serving(server: Receiver) -> Iterator[None]:
    server.server_activate()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield
    finally:
        server.may_answer.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server, serving(server):
        yield server


def make(url: str, **options: Any) -> WebhookConsumer:
    defaults = {"first_wait_seconds": 0.001, "flush_seconds": 30.0}
    return WebhookConsumer(url, **(defaults | options))


def post(webhook: WebhookConsumer, *items: Any) -> None:
    """Open, consume the items, close."""
    webhook.open()
    try:
        for item in items:
            webhook.consume(item)
    finally:
        webhook.close()


def test_posts_each_item_as_json(receiver: Receiver) -> None:
    """One input is the body itself, several are a list; headers go along."""
    webhook = make(receiver.url, headers={"Authorization": "Bearer x"})
    webhook.open()

    webhook.consume({"people": np.int64(3), "boxes": np.zeros((1, 2), np.float32)})
    webhook.consume(1, None)
    webhook.close()

    assert receiver.bodies == [{"people": 3, "boxes": [[0.0, 0.0]]}, [1, None]]
    assert receiver.headers[0]["Content-Type"] == "application/json"
    assert receiver.headers[0]["Authorization"] == "Bearer x"


def test_data_classes_become_objects(receiver: Receiver) -> None:
    """Counts arrive as an object with the names of its fields; NaN becomes null."""
    stamp = Stamp("door", 4, float("nan"), (20, 30))
    totals = LineTotals(into=1)
    counts = Counts(stamp, (Crossing(stamp, "gate", 7, 0, "in", totals),), {"gate": totals})

    post(make(receiver.url), counts)

    (body,) = receiver.bodies
    assert body["stamp"] == {
        "stream": "door",
        "index": 4,
        "pts_seconds": None,
        "size_hw": [20, 30],
    }
    assert body["crossings"][0]["track_id"] == 7
    assert body["totals"] == {"gate": {"into": 1, "out_of": 0}}


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param([], id="accepted"),
        pytest.param([503, 429], id="accepted-at-the-third"),
    ],
)
def test_tries_again_what_may_pass(receiver: Receiver, answers: list[int]) -> None:
    """A busy server is asked again, and what follows waits for its turn."""
    receiver.answers = answers.copy()

    post(make(receiver.url), "hello", "world")

    assert receiver.bodies == ["hello"] * (len(answers) + 1) + ["world"]


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
        post(make(receiver.url + "?key=secret", max_attempts=3), "hello")

    assert len(receiver.bodies) == num_posts
    assert "secret" not in str(caught.value)


def test_an_error_is_told_by_the_next_item(receiver: Receiver) -> None:
    """While the flow runs, the item after the one that was given up raises, and is sent."""
    receiver.answers = [404]
    webhook = make(receiver.url)
    webhook.open()
    webhook.consume(0)
    assert webhook._outbox is not None
    while not webhook._outbox._failures:
        time.sleep(0.001)

    with pytest.raises(OutputError, match="HTTP 404"):
        webhook.consume(1)
    webhook.consume(2)
    webhook.close()

    assert receiver.bodies == [0, 1, 2]


def test_nobody_there_is_tried_again_and_an_error() -> None:
    """A server that is not reached counts as one that may come back, up to max_attempts."""
    with (
        Receiver() as gone,
        pytest.raises(OutputError, match="1 items were not sent: http://127"),
    ):
        post(make(gone.url, timeout_seconds=0.2, max_attempts=2), "hello")


def test_a_server_that_comes_back_gets_all_in_order() -> None:
    """What came while the server was away is sent when it is there again."""
    with Receiver() as receiver:
        webhook = make(receiver.url, max_attempts=1000)
        webhook.open()
        for number in range(5):
            webhook.consume(number)

        with serving(receiver):
            webhook.close()

    assert receiver.bodies == [0, 1, 2, 3, 4]


def test_a_stalled_server_does_not_hold_up_the_flow(receiver: Receiver) -> None:
    """Items are taken at once, without room refused at once, and the end is short."""
    receiver.may_answer.clear()
    webhook = make(receiver.url, max_queued_items=3, flush_seconds=0.01, timeout_seconds=20)
    webhook.open()
    start = time.monotonic()

    for number in range(3):
        webhook.consume(number)
    with pytest.raises(OutputError, match="while 3 wait to be sent"):
        webhook.consume(3)
    with pytest.raises(OutputError, match="3 items were not sent"):
        webhook.close()

    assert time.monotonic() - start < 10  # far less than one timeout


def test_a_server_that_is_silent_for_too_long_is_asked_again(receiver: Receiver) -> None:
    """After timeout_seconds an attempt is over."""
    receiver.may_answer.clear()
    webhook = make(receiver.url, timeout_seconds=0.05, max_attempts=2)

    with pytest.raises(OutputError, match="timed out"):
        post(webhook, "hello")


def test_skip_makes_a_remark_at_the_end(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With on_error="skip" a dead server costs items, not the flow."""
    receiver.answers = [404]
    notes: list[str] = []
    monkeypatch.setattr(WebhookConsumer, "note", lambda _, text: notes.append(text))

    post(make(receiver.url, on_error="skip"), "hello")

    assert notes == [
        f"'webhook_consumer': 1 items were not sent: {receiver.url}: HTTP 404 Not Found"
    ]


def test_what_json_cannot_hold_is_an_error() -> None:
    """An object without a JSON form is refused before anything is sent."""
    with pytest.raises(OutputError, match=r"got object: .* want what JSON can hold"):
        post(make("http://127.0.0.1/"), object())


@pytest.mark.parametrize(
    ("url", "options"),
    [
        pytest.param("ftp://host/x", {}, id="scheme"),
        pytest.param("nowhere", {}, id="no-host"),
        pytest.param("http://host/", {"max_attempts": 0}, id="no-attempt"),
        pytest.param("http://host/", {"timeout_seconds": 0}, id="no-time"),
        pytest.param("http://host/", {"max_queued_items": 0}, id="no-room"),
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
