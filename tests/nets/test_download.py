"""Files come whole or not at all, from servers of all kinds; all of them on this machine."""

from __future__ import annotations

import os
import re
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from subprocess import PIPE, Popen
from types import SimpleNamespace

import pytest

from videoflow.nets import download as module
from videoflow.nets.download import download

BODY = bytes(range(256)) * 4096  # 1 MiB


class Server(ThreadingHTTPServer):
    """Gives ``body`` as ``plan`` says: for each request how many bytes, or a status.

    After the plan's end everything is given.
    """

    def __init__(self, *plan: int, has_ranges: bool = True, tag: str = "") -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.body = BODY
        self.plan = list(plan)
        self.has_ranges = has_ranges
        self.tag = tag
        self.ranges: list[str | None] = []
        self.on_request: Callable[[int], None] = lambda _number: None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/a.bin"


class _Answer(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        server = self.server
        server.on_request(len(server.ranges))
        asked = self.headers.get("Range")
        server.ranges.append(asked)
        step = server.plan.pop(0) if server.plan else len(server.body)
        if -600 < step < 0:
            self.send_error(-step)
            return
        start = int(re.findall(r"\d+", asked)[0]) if asked and server.has_ranges else 0
        if self.headers.get("If-Range", server.tag) != server.tag:
            start = 0
        if start >= len(server.body):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        if start:
            span = f"bytes {start}-{len(server.body) - 1}/{len(server.body)}"
            self.send_header("Content-Range", span)
        if server.tag:
            self.send_header("ETag", server.tag)
        self.send_header("Content-Length", str(len(server.body) - start))
        self.end_headers()
        self.wfile.write(server.body[start : start + step])

    def log_message(self, *_args: object) -> None:
        pass


@contextmanager
def serving(server: Server) -> Iterator[Server]:
    with server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What would have been waited between two tries."""
    waited: list[float] = []
    monkeypatch.setattr(module, "time", SimpleNamespace(sleep=waited.append))
    return waited


def check(file: Path) -> None:
    if file.read_bytes() != BODY:
        raise ValueError("wrong content")


def fetch(server: Server, target: Path, *, resumes_earlier: bool = True) -> None:
    download(server.url, target, check=check, resumes_earlier=resumes_earlier)


def test_a_download_that_breaks_off_goes_on_where_it_was(
    tmp_path: Path, waits: list[float]
) -> None:
    """What came is kept, and only the rest is asked for; between two tries time passes."""
    with serving(Server(1000, 500_000)) as server:
        fetch(server, tmp_path / "a.bin")

    assert server.ranges == [None, "bytes=1000-", "bytes=501000-"]
    assert [path.name for path in tmp_path.iterdir()] == ["a.bin"]
    assert waits == [0.5, 2.0]


def test_a_server_without_ranges_gives_all_again(tmp_path: Path) -> None:
    """A server that does not know ranges answers with the whole, which replaces the part."""
    with serving(Server(1000, has_ranges=False)) as server:
        fetch(server, tmp_path / "a.bin")

    assert server.ranges == [None, "bytes=1000-"]


@pytest.mark.parametrize(
    ("tag", "want"),
    [
        pytest.param('"v1"', [None, "bytes=1000-"], id="version known"),
        pytest.param('W/"v1"', [None, None], id="weak version"),
        pytest.param("", [None, None], id="no version"),
    ],
)
def test_what_cannot_be_told_apart_goes_on_only_in_one_version(
    tmp_path: Path, tag: str, want: list[str | None]
) -> None:
    """Without a checksum a part is used only if the server says that nothing changed."""
    with serving(Server(1000, tag=tag)) as server:
        fetch(server, tmp_path / "a.bin", resumes_earlier=False)

    assert server.ranges == want


def test_a_file_that_changes_meanwhile_is_fetched_anew(tmp_path: Path) -> None:
    """A part of the former version is thrown away when the server has another one."""
    with serving(Server(1000, tag='"v1"')) as server:

        def change(number: int) -> None:
            server.tag = f'"v{number + 1}"'
            server.body = BODY if number else BODY[::-1]

        server.on_request = change
        fetch(server, tmp_path / "a.bin", resumes_earlier=False)

    assert server.ranges == [None, "bytes=1000-"]


def test_a_later_call_goes_on_with_the_part(tmp_path: Path) -> None:
    """Who comes back after a failure does not fetch again what is there."""
    with serving(Server(1000, 0, 0, 0)) as server:
        with pytest.raises(OSError, match="broke off after 1000 of 1048576 bytes"):
            fetch(server, tmp_path / "a.bin")
        fetch(server, tmp_path / "a.bin")

    assert server.ranges == [None] + ["bytes=1000-"] * 4


def test_a_later_call_does_not_trust_a_part_without_checksum(tmp_path: Path) -> None:
    """A part of an unknown version is not gone on with."""
    (tmp_path / ".a.bin.part").write_bytes(b"old")

    with serving(Server()) as server:
        fetch(server, tmp_path / "a.bin", resumes_earlier=False)

    assert server.ranges == [None]


def test_a_part_longer_than_the_file_is_thrown_away(tmp_path: Path) -> None:
    """A part that cannot be one is fetched anew."""
    (tmp_path / ".a.bin.part").write_bytes(BODY + b"more")

    with serving(Server()) as server:
        fetch(server, tmp_path / "a.bin")

    assert server.ranges == [f"bytes={len(BODY) + 4}-", None]


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_busy_server_is_asked_again(tmp_path: Path, status: int, waits: list[float]) -> None:
    """Answers that pass are waited out."""
    with serving(Server(-status, -status)) as server:
        fetch(server, tmp_path / "a.bin")

    assert waits == [0.5, 2.0]


@pytest.mark.parametrize("status", [403, 404])
def test_a_final_answer_is_final(tmp_path: Path, status: int, waits: list[float]) -> None:
    """A file that is not there is not asked for twice, and leaves nothing behind."""
    with serving(Server(-status)) as server, pytest.raises(OSError, match=str(status)):
        fetch(server, tmp_path / "a.bin")

    assert (len(server.ranges), waits) == (1, [])
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_is_not_there_is_asked_once(tmp_path: Path, waits: list[float]) -> None:
    """Who is offline hears it at once."""
    with pytest.raises(OSError, match="refused"):
        download("http://127.0.0.1:9/a", tmp_path / "a", check=check, resumes_earlier=True)

    assert waits == []


def test_a_server_that_goes_away_is_given_some_time(tmp_path: Path, waits: list[float]) -> None:
    """A server that was there is asked again; what came stays for a later call."""
    server = Server(1000)
    thread = threading.Thread(target=server.handle_request)
    thread.start()
    url = server.url

    def close(_done: int, _total: int | None) -> None:
        server.server_close()

    with pytest.raises(OSError, match="refused"):
        download(url, tmp_path / "a", check=check, resumes_earlier=True, progress=close)

    thread.join()
    assert waits == [0.5, 2.0, 5.0]
    assert (tmp_path / ".a.part").stat().st_size == 1000


def test_wrong_content_is_thrown_away(tmp_path: Path) -> None:
    """What the check refuses is not kept, also not as a part."""
    with serving(Server()) as server:
        server.body = b"other"
        with pytest.raises(ValueError, match="wrong content"):
            fetch(server, tmp_path / "a.bin")

    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_told_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, waits: list[float]
) -> None:
    """The size is compared with the space; it is not tried again."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: SimpleNamespace(free=1000))

    with (
        serving(Server()) as server,
        pytest.raises(OSError, match="it wants 1048576 bytes, and 1000 are free"),
    ):
        fetch(server, tmp_path / "a.bin")

    assert waits == []
    assert list(tmp_path.iterdir()) == []


FETCH = """
import sys
from pathlib import Path
from videoflow.nets.download import download

print("ready", flush=True)
sys.stdin.readline()
download(sys.argv[1], Path(sys.argv[2]), check=lambda path: None, resumes_earlier=True)
"""


def test_two_processes_fetch_once(tmp_path: Path) -> None:
    """The second waits for the first, and takes what it brought."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with serving(Server()) as server, ExitStack() as stack:
        workers = [
            stack.enter_context(
                Popen(
                    [sys.executable, "-c", FETCH, server.url, str(tmp_path / "a.bin")],
                    stdin=PIPE,
                    stdout=PIPE,
                    text=True,
                    env=environment,
                )
            )
            for _ in range(2)
        ]
        for worker in workers:
            assert worker.stdout is not None
            assert worker.stdout.readline() == "ready\n"

        for worker in workers:
            assert worker.stdin is not None
            worker.stdin.write("go\n")
            worker.stdin.flush()
        for worker in workers:
            worker.wait()

    assert [worker.returncode for worker in workers] == [0, 0]
    assert server.ranges == [None]
    assert [path.name for path in tmp_path.iterdir()] == ["a.bin"]


def test_a_file_address_is_copied(tmp_path: Path) -> None:
    """A file of this machine is an address too."""
    origin = tmp_path / "origin"
    origin.write_bytes(BODY)

    download(origin.as_uri(), tmp_path / "a.bin", check=check, resumes_earlier=True)

    assert (tmp_path / "a.bin").read_bytes() == BODY
