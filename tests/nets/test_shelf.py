from __future__ import annotations

from pathlib import Path

import pytest

import videoflow
from videoflow.errors import ModelError
from videoflow.nets.shelf import find_model, model_names, shelf_folder


def test_checkout_has_the_shelf_beside_the_package() -> None:
    """In a checkout the folders of the shelf stand beside the package."""
    assert shelf_folder("models").parent == Path(videoflow.__file__).resolve().parent.parent


def test_installed_package_has_the_shelf_inside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wheel carries the shelf inside the package, and that one wins."""
    package = tmp_path / "videoflow"
    (package / "_shelf" / "models").mkdir(parents=True)
    monkeypatch.setattr(videoflow, "__file__", str(package / "__init__.py"))

    assert shelf_folder("models") == package / "_shelf" / "models"
    assert shelf_folder("configs") == tmp_path / "configs"


def test_names_are_the_folders_with_a_card() -> None:
    """The shelf names its models."""
    assert "yolox_nano" in model_names()


def test_unknown_name_is_refused_with_the_nearest_one() -> None:
    """A name that is not on the shelf is answered with the nearest."""
    with pytest.raises(ModelError, match=r"'yolox_nanno'.*\n  help: did you mean 'yolox_nano'"):
        find_model("yolox_nanno")


def test_path_of_a_folder_is_a_model(tmp_path: Path) -> None:
    """A folder of one's own is found by its path."""
    (tmp_path / "model.yaml").touch()

    assert find_model(str(tmp_path)) == tmp_path


def test_path_without_card_is_refused(tmp_path: Path) -> None:
    """A folder without a card is no model."""
    with pytest.raises(ModelError, match=r"without model\.yaml"):
        find_model(tmp_path)


def test_a_name_like_no_other_gets_no_guess() -> None:
    """Where nothing is near, the help is where all names are, not all names."""
    with pytest.raises(ModelError, match="help: videoflow models list shows them") as raised:
        find_model("qqq")

    assert len(str(raised.value)) < 300
