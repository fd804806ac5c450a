from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from videoflow.errors import GraphError, ModelError
from videoflow.nets.detector import DenseDetector
from videoflow.nets.load import load_detector, resolve_device
from videoflow.nets.shelf import shelf_folder


@pytest.mark.usefixtures("weights")
def test_detector_is_built_from_its_card() -> None:
    """A name is enough: size, labels and contract come from the card."""
    detector = load_detector("yolox_nano", device="cpu", precision="bfloat16")

    assert isinstance(detector, DenseDetector)
    assert detector.labels[0] == "person"
    assert detector.input_size == 416
    assert repr(detector).startswith("DenseDetector(")
    assert detector.dtype == torch.bfloat16


@pytest.mark.usefixtures("weights")
@pytest.mark.parametrize("factory", ["no.such.module:build", "videoflow.nets.yolox:no_such"])
def test_factory_that_is_not_there_is_refused(tmp_path: Path, factory: str) -> None:
    """A card that names code that cannot be imported is refused with the name."""
    folder = tmp_path / "mine"
    shutil.copytree(shelf_folder("models") / "yolox_nano", folder)
    text = (folder / "model.yaml").read_text().replace("name: yolox_nano", "name: mine")
    (folder / "model.yaml").write_text(text.replace("videoflow.nets.yolox:yolox_nano", factory))

    with pytest.raises(ModelError, match=rf"\$\.factory: cannot find '{factory}'"):
        load_detector(folder, device="cpu")


def test_auto_is_a_gpu_or_the_cpu() -> None:
    """The choice is the machine's."""
    want = "cuda" if torch.cuda.is_available() else "cpu"

    assert resolve_device("auto") == torch.device(want)


def test_gpu_that_is_not_there_is_refused() -> None:
    """A named GPU is never replaced silently."""
    with pytest.raises(GraphError, match=r"'cuda:99'.*\n  help: device='auto'"):
        resolve_device("cuda:99")
