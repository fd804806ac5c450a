from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from videoflow.errors import ModelError
from videoflow.nets.card import ModelCard
from videoflow.nets.weights import CACHE_VARIABLE, WEIGHTS_VARIABLE, cache_folder, find_weights


class _Answer(BaseHTTPRequestHandler):
    def __init__(self, *args: Any, body: bytes, length: int, **kwargs: Any) -> None:
        self.body, self.length = body, length
        super().__init__(*args, **kwargs)

    def do_GET(self) -> None:
        if self.path != "/small.onnx":
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(self.length))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *_args: Any) -> None:
        pass


@pytest.fixture
def num_bytes_sent(content: bytes) -> int:
    """How much of the file the server sends; a test may say less."""
    return len(content)


@pytest.fixture
def online(card: ModelCard, content: bytes, num_bytes_sent: int) -> Iterator[ModelCard]:
    """The card with an address on a server of this machine."""
    answer = functools.partial(_Answer, body=content[:num_bytes_sent], length=len(content))
    with ThreadingHTTPServer(("127.0.0.1", 0), answer) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield _at(card, f"http://127.0.0.1:{server.server_port}/small.onnx")
        server.shutdown()
        thread.join()


def _at(card: ModelCard, url: str) -> ModelCard:
    return card.model_copy(update={"weights": card.weights.model_copy(update={"url": url})})


def test_download_lands_whole_in_the_cache(
    online: ModelCard, content: bytes, empty_cache: Path
) -> None:
    """Weights that are nowhere are downloaded into the cache, and progress is told."""
    heard: list[tuple[int, int | None]] = []

    file = find_weights(online, progress=lambda done, total: heard.append((done, total)))

    assert file == empty_cache / "small.onnx"
    assert file.read_bytes() == content
    assert heard[-1] == (len(content), len(content))
    assert heard == sorted(heard)
    assert list(empty_cache.iterdir()) == [file]


def test_cached_file_is_taken_without_a_download(card: ModelCard) -> None:
    """What the cache has is not fetched again."""
    first = find_weights(card)
    gone = _at(card, "file:///does/not/exist")

    assert find_weights(gone) == first


def test_file_address_works_and_progress_is_optional(card: ModelCard, content: bytes) -> None:
    """An address may be a file's."""
    assert find_weights(card).read_bytes() == content


def test_named_folders_come_before_the_cache_in_their_order(
    card: ModelCard, content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first folder of VIDEOFLOW_WEIGHTS that has the file wins; the cache stays empty."""
    folders = [tmp_path / name for name in ("none", "one", "two")]
    for folder in folders[1:]:
        folder.mkdir()
        (folder / "small.onnx").write_bytes(content)
    monkeypatch.setenv(WEIGHTS_VARIABLE, ":".join(map(str, folders)))

    assert find_weights(card) == folders[1] / "small.onnx"
    assert not cache_folder().exists()


@pytest.mark.parametrize("where", ["weights", "cache"])
def test_file_with_a_wrong_checksum_is_refused(
    card: ModelCard, where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong file is named with both checksums and both ways out, and is left alone."""
    folder = tmp_path / where
    folder.mkdir()
    (folder / "small.onnx").write_bytes(b"something else")
    monkeypatch.setenv(WEIGHTS_VARIABLE, str(tmp_path / "weights"))
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))

    with pytest.raises(ModelError) as caught:
        find_weights(card)

    text = str(caught.value)
    assert f"{folder / 'small.onnx'}: got sha256" in text
    assert f"want {card.weights.sha256}" in text
    assert "delete the file" in text
    assert WEIGHTS_VARIABLE in text
    assert (folder / "small.onnx").read_bytes() == b"something else"


@pytest.mark.parametrize("num_bytes_sent", [0, 1000], ids=["empty", "cut off"])
def test_broken_download_leaves_nothing_behind(online: ModelCard, empty_cache: Path) -> None:
    """A download that was cut off is an error, and the cache stays as it was."""
    with pytest.raises(ModelError, match=WEIGHTS_VARIABLE):
        find_weights(online)

    assert list(empty_cache.iterdir()) == []


def test_wrong_content_from_the_network_is_refused(
    card: ModelCard, tmp_path: Path, empty_cache: Path
) -> None:
    """A file that changed at its address never reaches the cache."""
    other = tmp_path / "other.onnx"
    other.write_bytes(b"changed")

    with pytest.raises(ModelError, match=r"other\.onnx: got sha256 .*, want"):
        find_weights(_at(card, other.as_uri()))

    assert list(empty_cache.iterdir()) == []


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("http://127.0.0.1:9/small.onnx", id="no connection"),
        pytest.param("file:///does/not/exist.onnx", id="no such file"),
    ],
)
def test_without_network_both_ways_out_are_told(card: ModelCard, url: str) -> None:
    """Who is offline hears the address, the cache, and the variable for a copy."""
    with pytest.raises(ModelError) as caught:
        find_weights(_at(card, url))

    text = str(caught.value)
    assert url in text
    assert str(cache_folder()) in text
    assert "connect to the network" in text
    assert WEIGHTS_VARIABLE in text


def test_address_that_answers_404_is_refused(online: ModelCard) -> None:
    """A dead address is an error that names it."""
    with pytest.raises(ModelError, match="404"):
        find_weights(_at(online, online.weights.url.replace("small", "gone")))


def test_cache_that_cannot_be_made_is_refused(
    card: ModelCard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cache folder whose place is taken by a file is an error that names it."""
    (tmp_path / "file").touch()
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "file"))

    with pytest.raises(ModelError, match=str(tmp_path / "file")):
        find_weights(card)


def test_cache_follows_the_desktop_standard(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a variable of our own the cache is where XDG says."""
    monkeypatch.delenv(CACHE_VARIABLE)
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")

    assert cache_folder() == Path("/somewhere/videoflow")
