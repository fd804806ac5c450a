from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torchvision.models import get_model

from tests.nets.torchvision.test_factories import own_card
from tests.pictures import as_nv12, smooth_picture
from videoflow.data import Frame, Stamp
from videoflow.errors import FlowStateError, GraphError, ModelError
from videoflow.nets.load import load_segmenter
from videoflow.nets.weights import CACHE_VARIABLE, WEIGHTS_VARIABLE
from videoflow.processors import SemanticSegmenter

NAME = "lraspp_mobilenet_v3_large"
SIZES = [(48, 96), (60, 40), (48, 96)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A card with seeded weights beside it."""
    torch.manual_seed(0)
    model = get_model(NAME, weights=None, weights_backbone=None)
    return own_card(tmp_path_factory.mktemp("shelf"), NAME, model.state_dict())


@pytest.fixture
def frames() -> list[Frame]:
    """Frames of two sizes."""
    return [
        as_nv12(smooth_picture(size), Stamp("camera", at, 0.1 * at, size))
        for at, size in enumerate(SIZES)
    ]


def _segmenter(folder: Path, **options: Any) -> SemanticSegmenter:
    return SemanticSegmenter(folder, input_size=64, device="cpu", **options)


@pytest.mark.parametrize("num", [0, 1, 3], ids=["empty", "one", "mixed sizes"])
def test_each_frame_gets_a_class_map_of_its_size(
    folder: Path, frames: list[Frame], num: int
) -> None:
    """One result for each frame, in the order of the batch, as it comes for the frame alone."""
    alone = load_segmenter(folder, input_size=64, device="cpu")
    node = _segmenter(folder, max_batch_size=4)
    node.check()
    node.open()

    found = node.process_batch(frames[:num])

    node.close()
    assert [one.stamp for one in found] == [frame.stamp for frame in frames[:num]]
    assert [one.class_map.shape for one in found] == SIZES[:num]
    for one, frame in zip(found, frames[:num], strict=True):
        (want,) = alone.segment([frame])
        assert (one.class_map == want.class_map).mean() > 0.99  # but for rounding


def test_classes_are_those_of_the_card(folder: Path, frames: list[Frame]) -> None:
    """A pixel's class is a place in the list of labels."""
    segmenter = load_segmenter(folder, input_size=64, device="cpu")

    (found,) = segmenter.segment(frames[:1])

    assert segmenter.labels[0] == "__background__"
    assert found.class_map.max() < len(segmenter.labels)


def test_node_is_used_open_or_not_at_all(folder: Path, frames: list[Frame]) -> None:
    """Before open() and after close() there is no model, and the node says so."""
    node = _segmenter(folder)

    with pytest.raises(FlowStateError, match=r"'semantic_segmenter'.*before open"):
        node.process_batch(frames)
    node.open()
    node.close()
    with pytest.raises(FlowStateError, match="before open"):
        node.process_batch(frames)


def test_closed_node_travels() -> None:
    """A node goes to its worker before it is opened, with all its options."""
    node = SemanticSegmenter(NAME, input_size=260, precision="bfloat16", name="street")

    copy = pickle.loads(pickle.dumps(node))

    assert (copy.name, copy.model, copy.settings["input_size"]) == ("street", NAME, 260)
    assert copy.settings["precision"] == "bfloat16"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param({"input_size": 0}, "got input_size=0, want an int >= 1", id="no size"),
        pytest.param({"input_size": 41.6}, "got input_size=41.6", id="float size"),
        pytest.param(
            {"precision": "int8"}, "got precision='int8', want 'float32'", id="format"
        ),
        pytest.param({"max_batch_size": 0}, "got max_batch_size=0", id="batch"),
    ],
)
def test_values_that_make_no_sense_are_refused_at_once(
    arguments: dict[str, Any], message: str
) -> None:
    """A wrong value is refused where it is written."""
    with pytest.raises(GraphError, match=message):
        SemanticSegmenter(**arguments)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        pytest.param("lraspp_mobilenet_v3_larg", f"did you mean '{NAME}'", id="no model"),
        pytest.param(
            "ssdlite320_mobilenet_v3_large",
            "got one for detection, want one for segmentation",
            id="detector",
        ),
    ],
)
def test_models_that_do_not_segment_are_refused_before_any_worker_starts(
    model: str, message: str
) -> None:
    """check() reads the card."""
    with pytest.raises(ModelError, match=message):
        SemanticSegmenter(model).check()


def test_gpu_that_is_not_there_is_refused_before_any_worker_starts() -> None:
    """A GPU that was asked for by number and is absent is an error in the caller."""
    with pytest.raises(GraphError, match="cuda:99"):
        SemanticSegmenter(device="cuda:99").check()


def test_wrong_weights_are_refused_before_any_worker_starts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """check() reads the checksum of the file that is there."""
    monkeypatch.setenv(WEIGHTS_VARIABLE, str(tmp_path))
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    (tmp_path / "lraspp_mobilenet_v3_large-d234d4ea.pth").write_bytes(b"damaged")

    with pytest.raises(ModelError, match="got sha256"):
        SemanticSegmenter(NAME).check()


def test_neither_import_nor_construction_loads_torch() -> None:
    """The caller of a flow pays for torch only if it looks at pixels itself."""
    code = (
        "import sys; from videoflow.processors import SemanticSegmenter; "
        "SemanticSegmenter(); print(sorted({'torch', 'torchvision'} & set(sys.modules)))"
    )

    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert answer.stdout.strip() == "[]"
