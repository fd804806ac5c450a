from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from videoflow.errors import ModelError
from videoflow.nets.card import load_card
from videoflow.nets.shelf import model_names, shelf_folder


@pytest.fixture
def own_model(tmp_path: Path) -> Path:
    """A copy of a model on the shelf, to be spoilt."""
    folder = tmp_path / "mine"
    shutil.copytree(shelf_folder("models") / "yolox_nano", folder)
    _change(folder, name="mine")
    return folder


def _change(folder: Path, /, **changes: Any) -> None:
    file = folder / "model.yaml"
    content = yaml.safe_load(file.read_text()) | changes
    file.write_text(yaml.safe_dump({k: v for k, v in content.items() if v is not None}))


@pytest.mark.parametrize("name", model_names())
def test_every_model_on_the_shelf_has_a_card_that_reads(name: str) -> None:
    """The shelf holds no broken card, and every card has a page for people."""
    card = load_card(name)

    assert card.name == name
    assert (shelf_folder("models") / name / "README.md").is_file()


def test_nano_knows_the_classes_of_coco() -> None:
    """The label list is COCO's, in its order."""
    labels = load_card("yolox_nano").labels

    assert (len(labels), labels[0], labels[79]) == (80, "person", "toothbrush")


def test_card_is_frozen() -> None:
    """Nobody changes a card under another's feet."""
    card = load_card("yolox_nano")

    with pytest.raises(ValidationError, match="frozen"):
        card.name = "other"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"licence": None}, r"\$\.licence: is missing", id="missing key"),
        pytest.param({"colour": "red"}, r"\$\.colour: is no key", id="unknown key"),
        pytest.param(
            {"licence": 3}, r"\$\.licence: got 3 \(int\), want: a valid string", id="type"
        ),
        pytest.param({"factory": "yolox"}, r"\$\.factory: got 'yolox'", id="factory"),
        pytest.param({"name": "other"}, r"\$\.name: got 'other', want 'mine'", id="name"),
        pytest.param(
            {"labels": "gone.txt"}, r"\$\.labels: cannot read 'gone.txt'", id="labels"
        ),
        pytest.param(
            {"input": {"channels": "bgr", "pad_value": 300, "stride": 32, "size": 416}},
            r"\$\.input\.pad_value: got 300 \(int\), want: less than or equal to 255",
            id="nested",
        ),
        pytest.param(
            {"input": {"channels": "bgr", "pad_value": 0, "fit": "short_side", "size": [8, 8]}},
            r"\$\.input: got .*, want: long_side or stretch with a fixed height and width",
            id="keys that contradict",
        ),
        pytest.param({"folder": "/"}, r"\$\.folder: is no key", id="key that is not written"),
        pytest.param({"labels": []}, r"\$\.labels: got \[\]", id="no labels"),
        pytest.param(
            {"weights": {"file": "a.pth", "origin": "x", "sha256": "abc"}},
            r"\$\.weights\.sha256: got 'abc'",
            id="too short a checksum",
        ),
        pytest.param(
            {"input": {"channels": "bgr", "pad_value": 114, "stride": "32", "size": 416}},
            r"\$\.input\.stride: got '32' \(str\), want: a valid integer",
            id="quoted number",
        ),
    ],
)
def test_wrong_card_is_refused_by_file_and_key(
    own_model: Path, changes: dict[str, Any], message: str
) -> None:
    """An error in a card names the file and the key."""
    _change(own_model, **changes)

    with pytest.raises(ModelError, match=rf"mine/model\.yaml, {message}"):
        load_card(own_model)


@pytest.mark.parametrize("text", ["", "- a list", "a: [unclosed", "\tname: x"])
def test_file_that_is_no_card_is_refused(own_model: Path, text: str) -> None:
    """A file that is no mapping is refused by its name."""
    (own_model / "model.yaml").write_text(text)

    with pytest.raises(ModelError, match=r"mine/model\.yaml: "):
        load_card(own_model)


def test_classes_by_name_and_index_become_sorted_indices() -> None:
    """Names and indices may be mixed; the same class twice is one."""
    card = load_card("yolox_nano")

    assert card.class_indices(["car", 0, "person"]) == (0, 2)
    assert card.class_indices(None) is None


@pytest.mark.parametrize(
    ("classes", "help_"),
    [
        pytest.param(["persom"], "did you mean 'person'", id="near name"),
        pytest.param(["#####"], "the names are person, bicycle", id="far name"),
        pytest.param([80], "the names are person", id="index too large"),
        pytest.param([-1], "the names are person", id="negative index"),
        pytest.param([], "leave classes out", id="empty"),
        pytest.param("person", "leave classes out", id="one string"),
    ],
)
def test_unknown_classes_are_refused(classes: Any, help_: str) -> None:
    """A class that the model does not know is refused with what it knows."""
    with pytest.raises(ModelError, match=help_):
        load_card("yolox_nano").class_indices(classes)


def test_a_card_may_leave_much_open(own_model: Path) -> None:
    """Labels may stand in the card, and checksum and address may be unknown."""
    _change(
        own_model,
        labels=["cat", "dog"],
        weights={"file": "a.pt2", "origin": "me"},
        input={"channels": "rgb", "size": [480, 640], "pad_value": 0},
    )

    card = load_card(own_model)

    assert card.labels == ("cat", "dog")
    assert (card.weights.sha256, card.weights.url) == (None, None)
    assert card.input.input_size(None) == (480, 640)
    with pytest.raises(ModelError, match="the network takes 640 x 480 only"):
        card.input.input_size(416)
