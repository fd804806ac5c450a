from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from torch import Tensor
from torchvision.models import WeightsEnum, get_model

from tests.nets.torchvision.reference import contract_of
from videoflow.data import Frame, Stamp
from videoflow.errors import ModelError
from videoflow.nets.card import load_card
from videoflow.nets.load import load_detector
from videoflow.nets.shelf import model_names, shelf_folder
from videoflow.nets.torchvision import factories
from videoflow.nets.torchvision.factories import load_torchvision
from videoflow.processors import ObjectDetector, SemanticSegmenter

SMALL = "ssdlite320_mobilenet_v3_large"


def own_card(folder: Path, name: str, state: dict[str, Tensor]) -> Path:
    """Copy a card from the shelf, with weights beside it; return its folder."""
    target = folder / "mine" / name
    shutil.copytree(shelf_folder("models") / name, target)
    file = target / "model.yaml"
    content = yaml.safe_load(file.read_text())
    torch.save(state, target / content["weights"]["file"])
    digest = hashlib.sha256((target / content["weights"]["file"]).read_bytes()).hexdigest()
    content["weights"]["sha256"] = digest[:8]
    file.write_text(yaml.safe_dump(content))
    return target


def grey(height: int, width: int) -> Frame:
    planes = torch.full((height * 3 // 2, width), 128, dtype=torch.uint8)
    return Frame(planes, Stamp("door", 0, 0.0, (height, width)))


def weights_of(name: str) -> dict[str, Tensor]:
    torch.manual_seed(0)
    state: dict[str, Tensor] = get_model(name, weights=None, weights_backbone=None).state_dict()
    return state


@pytest.mark.parametrize(
    "name",
    [name for name in model_names() if "torchvision" in str(load_card(name).factory)],
)
def test_every_card_names_a_factory_and_the_weights_of_its_model(name: str) -> None:
    """The card says what torchvision's own data about the weights says."""
    from torchvision.models import get_model_weights

    card = load_card(name)
    known = get_model_weights(name).DEFAULT

    assert getattr(factories, name).keywords["model"] == name
    assert card.weights.url == known.url
    assert card.weights.file.endswith(f"-{card.weights.sha256}.pth")
    assert card.num_parameters == known.meta["num_params"]
    assert list(card.labels) == known.meta["categories"]


@pytest.mark.parametrize(
    "name",
    [
        name
        for name in model_names()
        if "torchvision" in str(load_card(name).factory)
        and load_card(name).output.form == "objects"
    ],
)
def test_every_card_prepares_pictures_as_its_model_does(name: str) -> None:
    """Size, padding, mean and spread are the model's, and so is the overlap."""
    card = load_card(name)
    with torch.device("meta"):
        model: Any = get_model(name, weights=None, weights_backbone=None)

    want = contract_of(model)

    assert card.input.model_copy(update={"mean": None, "std": want.std}) == want.model_copy(
        update={"mean": None}
    )
    assert card.input.mean == pytest.approx(want.mean)
    assert card.input.std == pytest.approx(want.std)
    stage = getattr(model, "roi_heads", model)
    assert card.output.nms_threshold == stage.nms_thresh
    assert "ssd" in name or card.output.score_threshold == stage.score_thresh


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(SMALL, id="norms of its own"),
        pytest.param("fasterrcnn_mobilenet_v3_large_320_fpn", id="frozen norms"),
        pytest.param("retinanet_resnet50_fpn", id="frozen norms without epsilon"),
    ],
)
@torch.inference_mode()
def test_published_weights_work_as_in_torchvision(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A backbone from a file sees what it sees in torchvision, however small the variances."""
    state = weights_of(name)
    for key in [key for key in state if key.endswith("running_var")]:
        state[key].fill_(1e-4)  # an epsilon of 1e-5 is 5 % of its root
        state[key.replace("running_var", "weight")].fill_(1e-2)
    torch.save(state, tmp_path / "published.pth")
    monkeypatch.setattr(WeightsEnum, "get_state_dict", lambda *_, **__: state)
    reference: Any = get_model(name, weights="DEFAULT").eval()
    image = torch.rand(2, 3, 96, 96, generator=torch.Generator().manual_seed(0))

    ours: Any = getattr(factories, name)(tmp_path / "published.pth", num_classes=91)

    levels = getattr(ours, "model", ours).backbone(image).values()
    for got, want in zip(levels, reference.backbone(image).values(), strict=True):
        spread = want.abs().max().item()
        torch.testing.assert_close(got, want, rtol=0, atol=1e-3 * spread)


def test_a_detector_is_built_from_a_name_and_a_file(tmp_path: Path) -> None:
    """With the weights there, a card is all that the node needs; thresholds are the card's."""
    folder = own_card(tmp_path, SMALL, weights_of(SMALL))
    node = ObjectDetector(folder, classes=["person"], device="cpu", max_batch_size=2)
    node.check()
    node.open()

    found = node.process_batch([grey(48, 64), grey(64, 48)])

    node.close()
    assert [one.stamp.size_hw for one in found] == [(48, 64), (64, 48)]
    assert all((one.labels == 1).all() for one in found)
    detector = load_detector(folder, device="cpu")
    assert (detector.selection.score_threshold, detector.input_size) == (0.1, 320)  # type: ignore[attr-defined] # of an ObjectsDetector


def test_a_segmenter_is_built_from_a_name_and_a_file(tmp_path: Path) -> None:
    """With the weights there, a card is all that the node needs."""
    name = "lraspp_mobilenet_v3_large"
    folder = own_card(tmp_path, name, weights_of(name))
    node = SemanticSegmenter(folder, input_size=64, device="cpu")
    node.check()
    node.open()

    (found,) = node.process_batch([grey(48, 96)])

    node.close()
    assert found.class_map.shape == (48, 96)
    with pytest.raises(ModelError, match="segmentation"):
        ObjectDetector(folder).check()


def test_weights_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    """A network that could find nothing is not loaded, and the message names the tensor."""
    state = weights_of(SMALL)
    name = next(key for key in state if key.endswith("weight"))
    state[name][0] = torch.nan
    torch.save(state, tmp_path / "broken.pth")

    with pytest.raises(ModelError, match=name):
        load_torchvision(tmp_path / "broken.pth", num_classes=91, model=SMALL)


def test_weights_of_another_model_are_refused(tmp_path: Path) -> None:
    """A checkpoint that does not fit the network is refused with both names."""
    torch.save({"weight": torch.zeros(1)}, tmp_path / "other.pth")

    with pytest.raises(ModelError, match=r"other\.pth, for ssdlite320"):
        load_torchvision(tmp_path / "other.pth", num_classes=91, model=SMALL)


def test_a_file_that_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    """What torch cannot read safely is refused."""
    (tmp_path / "text.pth").write_bytes(b"text, and no tensors")

    with pytest.raises(ModelError, match="is no checkpoint"):
        load_torchvision(tmp_path / "text.pth", num_classes=91, model=SMALL)
