"""What ``videoflow models`` prints, and with which exit code it leaves."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest
import torch

from tests.nets.test_own_models import save_script, write_card
from videoflow.app.cli import main
from videoflow.nets.shelf import model_names, shelf_folder
from videoflow.nets.weights import CACHE_VARIABLE, WEIGHTS_VARIABLE

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _no_weights(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(WEIGHTS_VARIABLE, raising=False)
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A model of one's own: a folder with a card and a file beside it."""
    folder = write_card(tmp_path / "mine", "net.pt", "cxcywh_scores")
    save_script(folder / "net.pt", "cxcywh_scores")
    return folder


def shelved(tmp_path: Path, content: bytes) -> Path:
    """A copy of a model on the shelf whose weights lie at a file address."""
    folder = tmp_path / "copied"
    shutil.copytree(shelf_folder("models") / "yolox_nano", folder)
    (tmp_path / "origin.onnx").write_bytes(b"numbers")
    lines = []
    for line in (folder / "model.yaml").read_text().splitlines():
        key = line.split(":")[0].strip()
        replaced = {
            "name": "name: copied",
            "url": f"  url: {(tmp_path / 'origin.onnx').as_uri()}",
            "sha256": f"  sha256: {hashlib.sha256(content).hexdigest()}",
        }
        lines.append(replaced.get(key, line))
    (folder / "model.yaml").write_text("\n".join(lines))
    return folder


def test_list_has_a_line_for_each_model(capsys: Capture) -> None:
    """Name, task, size, licence, and where the weights are."""
    assert main(["models", "list"]) == 0

    head, *lines = capsys.readouterr().out.splitlines()
    assert head.split() == ["name", "task", "parameters", "licence", "weights"]
    assert [line.split()[0] for line in lines] == list(model_names())
    (nano,) = (line for line in lines if line.startswith("yolox_nano "))
    assert nano.split() == ["yolox_nano", "detection", "0.90", "M", "Apache-2.0", "not", "here"]
    (large,) = (line for line in lines if line.startswith("yolox_x "))
    assert large.endswith("not here, checksum not known")


def test_list_as_json_is_data(capsys: Capture) -> None:
    """--json gives the same for programs."""
    assert main(["models", "list", "--json"]) == 0

    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["yolox_nano"]["weights_file"] is None
    assert rows["yolox_nano"]["has_known_checksum"]
    assert not rows["yolox_s"]["has_known_checksum"]


def test_show_tells_contract_and_labels(capsys: Capture) -> None:
    """All that a user of the model has to know is on one page."""
    assert main(["models", "show", "yolox_nano"]) == 0

    page = capsys.readouterr().out
    assert "bgr [N, 3, H, W], 416 pixels" in page
    assert "80: person, bicycle" in page
    assert main(["models", "show", "yolox_nano", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["input"]["stride"] == 32


def test_fetch_says_where_the_file_is(tmp_path: Path, capsys: Capture) -> None:
    """What was nowhere is in the cache afterwards, and its place is printed."""
    folder = shelved(tmp_path, b"numbers")

    assert main(["models", "fetch", str(folder)]) == 0

    file = tmp_path / "cache" / "yolox_nano_coco_416.onnx"
    assert capsys.readouterr().out == f"{folder}: {file}\n"
    assert file.read_bytes() == b"numbers"
    assert main(["models", "fetch", str(folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {str(folder): str(file)}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["show", "yolox_nan"], "did you mean 'yolox_nano'", id="show"),
        pytest.param(["fetch", "yolox_nan"], "did you mean 'yolox_nano'", id="fetch"),
        pytest.param(["fetch", "yolox_s"], "--allow-unknown-checksum", id="unknown checksum"),
    ],
)
def test_wrong_input_is_told_in_words(
    arguments: list[str], message: str, capsys: Capture
) -> None:
    """A wrong name, or a file that nobody vouches for, ends with code 2 and one message."""
    assert main(["models", *arguments]) == 2

    seen = capsys.readouterr()
    assert seen.err.startswith("error: ")
    assert message in seen.err
    assert "Traceback" not in seen.err
    assert seen.out == ""


def test_fetch_refuses_a_wrong_checksum(tmp_path: Path, capsys: Capture) -> None:
    """What comes is compared with the card."""
    folder = shelved(tmp_path, b"other numbers")

    assert main(["models", "fetch", str(folder)]) == 2
    assert "got sha256" in capsys.readouterr().err


def test_check_runs_a_model(own: Path, capsys: Capture) -> None:
    """A model that loads and does not care about its batch is ok; the word is given once."""
    assert main(["models", "check", str(own), "--device", "cpu"]) == 2
    assert "allow_unknown_checksum=True once" in capsys.readouterr().out
    assert main(["models", "check", str(own), "--allow-unknown-checksum"]) == 0
    assert capsys.readouterr().out.startswith(f"{own}: ok, ")

    assert main(["models", "check", str(own), "--json"]) == 0

    (result,) = json.loads(capsys.readouterr().out)
    assert (result["ok"], result["task"]) == (True, "detection")


class Mixing(torch.nn.Module):
    """A network that mixes what stands in one batch."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        level = images.mean()  # of all pictures
        row = torch.stack((level * 8, level * 8, level * 4, level * 4, level / level, level))
        return torch.cat((row, 1 - level[None])).expand(len(images), 1, 7)


def test_check_finds_a_model_that_mixes_its_batch(own: Path, capsys: Capture) -> None:
    """A model whose answer depends on the other frames of the batch is not ok."""
    with pytest.warns(FutureWarning):
        torch.jit.script(Mixing()).save(str(own / "net.pt"))  # type: ignore[no-untyped-call]

    assert main(["models", "check", str(own), "--allow-unknown-checksum"]) == 2
    assert "when it stands in a batch" in capsys.readouterr().out


def test_check_without_names_takes_what_is_here(weights: Path, capsys: Capture) -> None:
    """Models whose weights are not here are passed over; the real one is ok."""
    assert main(["models", "check", "--device", "cpu"]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines if line.startswith("yolox")] == ["yolox_nano"]
    assert all(": ok, " in line for line in lines)


def test_without_weights_only_what_ships_with_them_is_checked(capsys: Capture) -> None:
    """Where nothing was fetched, the models are checked whose weights lie on the shelf."""
    assert main(["models", "check"]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert [line.split(",")[0] for line in lines] == ["hog_walkers: ok"]
