from __future__ import annotations

import functools
import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from videoflow.errors import ModelError
from videoflow.nets import download
from videoflow.nets.card import ModelCard
from videoflow.nets.weights import (
    CACHE_VARIABLE,
    WEIGHTS_VARIABLE,
    cache_folder,
    find_weights,
    local_weights,
)


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
def test_broken_download_is_no_file(
    online: ModelCard, empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A download that was cut off is an error, and no file of the model's name is there."""
    monkeypatch.setattr(download, "WAITS_SECONDS", ())

    with pytest.raises(ModelError, match=rf"it broke off after[\s\S]*{WEIGHTS_VARIABLE}"):
        find_weights(online)

    assert local_weights(online) is None
    assert not (empty_cache / "small.onnx").exists()


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
        find_weights(_at(online, str(online.weights.url).replace("small", "gone")))


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


@pytest.fixture
def unknown(online: ModelCard) -> ModelCard:
    """A card that does not know the checksum of its file."""
    return online.model_copy(
        update={"weights": online.weights.model_copy(update={"sha256": None})}
    )


def test_unknown_checksum_wants_a_word(unknown: ModelCard, empty_cache: Path) -> None:
    """A file that nobody vouches for is downloaded only if somebody says so."""
    with pytest.raises(ModelError, match=r"checksum of .* is not known") as caught:
        find_weights(unknown)

    assert "--allow-unknown-checksum" in str(caught.value)
    assert not empty_cache.exists()


def test_unknown_checksum_is_noted_and_checked_from_then_on(
    unknown: ModelCard, content: bytes
) -> None:
    """The word is given once; a file that changed afterwards is refused, whatever is said."""
    file = find_weights(unknown, allow_unknown_checksum=True)
    noted = file.with_name("small.onnx.sha256")

    assert noted.read_text() == f"{hashlib.sha256(content).hexdigest()}  small.onnx\n"
    assert find_weights(unknown) == file
    file.write_bytes(b"changed")
    with pytest.raises(ModelError, match=f"got sha256 .*, want .*\n.*delete {noted}"):
        find_weights(unknown, allow_unknown_checksum=True)


def test_first_digits_of_a_checksum_are_one(card: ModelCard) -> None:
    """Eight digits, as some file names have them, are compared as far as they go."""
    digits = str(card.weights.sha256)
    right, wrong = (
        card.model_copy(update={"weights": card.weights.model_copy(update={"sha256": some})})
        for some in (digits[:8], "0123abcd")
    )

    assert find_weights(right).is_file()
    with pytest.raises(ModelError, match="want 0123abcd "):
        find_weights(wrong)


def test_own_file_is_taken_from_where_it_is(
    card: ModelCard, content: bytes, tmp_path: Path
) -> None:
    """A file of one's own may be called anything, and follows the same rule."""
    file = tmp_path / "my trained weights.onnx"
    file.write_bytes(content)
    own = card.with_weights(file)

    with pytest.raises(ModelError, match="allow_unknown_checksum=True once"):
        find_weights(own)
    assert find_weights(own, allow_unknown_checksum=True) == file
    assert find_weights(own) == file


def test_own_file_that_is_not_there_is_refused(card: ModelCard, tmp_path: Path) -> None:
    """A path is that path, and no other file of the same name."""
    with pytest.raises(ModelError, match=r"there is no file .*gone\.pth"):
        card.with_weights(tmp_path / "gone.pth")


def test_checksum_beside_a_file_is_known(
    card: ModelCard, content: bytes, tmp_path: Path
) -> None:
    """Who hands out weights in a folder may hand out their checksum with them."""
    file = tmp_path / "own.pth"
    file.write_bytes(content)
    own = card.with_weights(file)
    note = tmp_path / "own.pth.sha256"

    note.write_text(hashlib.sha256(content).hexdigest() + "  own.pth\n")
    assert find_weights(own) == file
    note.write_text("nonsense")
    with pytest.raises(ModelError, match="want a sha256 and a file name"):
        find_weights(own)


def test_checksum_that_cannot_be_noted_is_told(card: ModelCard, tmp_path: Path) -> None:
    """Where nothing can be written, somebody else has to note the checksum."""
    file = tmp_path / "own.pth"
    file.write_bytes(b"x")
    note = tmp_path / "own.pth.sha256"
    note.symlink_to(tmp_path / "no" / "such" / "folder")

    with pytest.raises(ModelError, match=r"cannot note the checksum of own\.pth"):
        find_weights(card.with_weights(file), allow_unknown_checksum=True)


def test_file_without_address_is_looked_for_beside_its_card(
    card: ModelCard, content: bytes, tmp_path: Path
) -> None:
    """A model of one's own holds its file in its folder, and needs no address."""
    own = _at(card, "").model_copy(update={"folder": tmp_path / "mine"})
    own = own.model_copy(update={"weights": own.weights.model_copy(update={"url": None})})

    with pytest.raises(ModelError, match="its card has no address"):
        find_weights(own)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "small.onnx").write_bytes(content)
    assert find_weights(own) == tmp_path / "mine" / "small.onnx"
