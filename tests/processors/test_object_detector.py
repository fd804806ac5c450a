from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.nets.test_own_models import write_card
from tests.nets.yolox_reference import ReferenceYoloX
from videoflow.data import Frame, Stamp
from videoflow.errors import FlowStateError, GraphError, ModelError
from videoflow.nets.weights import CACHE_VARIABLE, WEIGHTS_VARIABLE
from videoflow.processors.object_detector import ObjectDetector


@pytest.fixture
def _no_weights(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(WEIGHTS_VARIABLE, str(tmp_path))
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))


def _grey(size_hw: tuple[int, int]) -> Frame:
    height, width = size_hw
    pixels = torch.full((height * 3 // 2, width), 128, dtype=torch.uint8)
    return Frame(pixels, Stamp("camera", 7, 0.7, size_hw))


@pytest.mark.usefixtures("weights")
def test_node_detects_between_open_and_close() -> None:
    """One result for each frame of the batch, stamped with its frame."""
    node = ObjectDetector(classes=["person"], input_size=64, device="cpu", max_batch_size=4)
    node.check()
    node.open()

    found = node.process_batch([_grey((48, 64)), _grey((64, 64))])

    node.close()
    assert [one.stamp.size_hw for one in found] == [(48, 64), (64, 64)]
    assert node.max_batch_size == 4


@pytest.mark.usefixtures("weights")
@pytest.mark.parametrize("input_size", [1, 63, 65])
def test_a_size_that_is_no_multiple_of_the_stride_is_filled_up(input_size: int) -> None:
    """Odd and tiny sizes are as good as others: the network gets whole strides."""
    node = ObjectDetector(input_size=input_size, device="cpu")
    node.open()

    found = node.process_batch([_grey((48, 64))])

    node.close()
    assert len(found) == 1


def test_node_is_used_open_or_not_at_all() -> None:
    """Without open() there is no model, and the node says so."""
    with pytest.raises(FlowStateError, match=r"'object_detector'.*before open"):
        ObjectDetector().process_batch([_grey((48, 64))])


@pytest.mark.usefixtures("weights")
def test_on_a_cpu_a_batch_is_processed_at_once() -> None:
    """Nothing is begun where nothing can be gained, and the size of the model is known."""
    node = ObjectDetector(input_size=64, device="cpu")
    node.check()
    node.open()

    begun = node.begin_batch([_grey((48, 64))])

    node.close()
    assert begun is None
    assert 3_000_000 < node.model_bytes < 5_000_000


def test_half_precision_finds_the_same() -> None:
    """The node computes in the format that was asked for, on a CPU too."""
    node = ObjectDetector("tests.nets.own_models:build_network", device="cpu")
    half = ObjectDetector(
        "tests.nets.own_models:build_network", device="cpu", precision="float16"
    )
    pixels = torch.full((3, 64, 64), 51, dtype=torch.uint8)
    pixels[:, 8:48, 16:32] = 204
    frame = Frame(pixels, Stamp("camera", 0, 0.0, (64, 64)), "rgb")
    for one in (node, half):
        one.open()

    (want,), (got,) = node.process_batch([frame]), half.process_batch([frame])

    assert len(got) == len(want) == 1
    np.testing.assert_allclose(got.boxes_xyxy, want.boxes_xyxy, atol=0.5)


def test_closed_node_travels() -> None:
    """A node goes to its worker before it is opened, with all its options."""
    node = ObjectDetector("yolox_nano", classes=["car", 0], score_threshold=0.3, name="cars")

    copy = pickle.loads(pickle.dumps(node))

    assert (copy.name, copy.settings["classes"], copy.settings["score_threshold"]) == (
        "cars",
        ["car", 0],
        0.3,
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(
            {"score_threshold": 1.5}, "got score_threshold=1.5, want 0 to 1", id="score"
        ),
        pytest.param({"score_threshold": "high"}, "got score_threshold='high'", id="word"),
        pytest.param({"nms_threshold": -0.1}, "got nms_threshold=-0.1", id="nms"),
        pytest.param({"input_size": 0}, "got input_size=0, want an int >= 1", id="no size"),
        pytest.param({"input_size": 41.6}, "got input_size=41.6", id="float size"),
        pytest.param({"input_size": -64}, "got input_size=-64, want an int", id="below 0"),
        pytest.param({"input_size": "64"}, "got input_size='64', want an int", id="text size"),
        pytest.param({"input_size": (64, 64)}, "got input_size=", id="two sides"),
        pytest.param(
            {"precision": "int8"}, "got precision='int8', want 'float32'", id="format"
        ),
        pytest.param(
            {"execution": "fast"}, "got execution='fast', want 'eager', 'graphs'", id="way"
        ),
        pytest.param(
            {"execution": "graphs", "device": "cpu"}, "CUDA graphs are for", id="graphs on CPU"
        ),
        pytest.param({"max_batch_size": 0}, "got max_batch_size=0", id="batch"),
    ],
)
def test_values_that_make_no_sense_are_refused_at_once(
    arguments: dict[str, Any], message: str
) -> None:
    """A wrong value is refused where it is written."""
    with pytest.raises(GraphError, match=message):
        ObjectDetector(**arguments)


@pytest.mark.usefixtures("weights")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param({"model": "yolox_nan"}, "did you mean 'yolox_nano'", id="model"),
        pytest.param({"classes": ["persn"]}, "did you mean 'person'", id="class"),
    ],
)
def test_unknown_names_are_refused_before_any_worker_starts(
    arguments: dict[str, Any], message: str
) -> None:
    """check() answers a wrong name with the nearest right one."""
    with pytest.raises(ModelError, match=message):
        ObjectDetector(**arguments).check()


def test_gpu_that_is_not_there_is_refused_before_any_worker_starts() -> None:
    """A GPU that was asked for by number and is absent is an error in the caller."""
    with pytest.raises(GraphError, match="cuda:99"):
        ObjectDetector(device="cuda:99").check()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_graphs_without_a_gpu_are_refused_before_any_worker_starts() -> None:
    """With device="auto" only the machine says that there is no GPU."""
    with pytest.raises(GraphError, match="execution='graphs', and there is no GPU"):
        ObjectDetector(execution="graphs").check()


@pytest.mark.usefixtures("_no_weights")
def test_wrong_weights_are_refused_before_any_worker_starts(tmp_path: Path) -> None:
    """check() reads the checksum of the file that is there."""
    (tmp_path / "yolox_nano_coco_416.onnx").write_bytes(b"damaged")

    with pytest.raises(ModelError, match="got sha256"):
        ObjectDetector().check()


def test_neither_import_nor_construction_loads_torch() -> None:
    """The caller of a flow pays for torch only if it looks at pixels itself."""
    code = (
        "import sys; from videoflow.processors.object_detector import ObjectDetector; "
        "ObjectDetector(); print(sorted({'torch', 'torchvision', 'onnx'} & set(sys.modules)))"
    )

    answer = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
        capture_output=True,
        text=True,
        check=True,
    )

    assert answer.stdout.strip() == "[]"


def test_model_may_be_a_function() -> None:
    """A function of one's own is looked for before any worker starts, and called in open()."""
    node = ObjectDetector("tests.nets.own_models:build_network", device="cpu")
    node.check()
    node.open()

    (found,) = node.process_batch([_grey((48, 64))])

    node.close()
    assert found.stamp.size_hw == (48, 64)
    with pytest.raises(ModelError, match="there is no module 'no_such_package'"):
        ObjectDetector("no_such_package:build").check()


def test_own_weights_want_a_word_before_any_worker_starts(tmp_path: Path) -> None:
    """A file of one's own is checked in the caller, and its checksum noted there."""
    file = tmp_path / "my.pth"
    reference = ReferenceYoloX(0.33, 0.25, True, num_classes=80)
    torch.save({"model": reference.state_dict()}, file)
    options: dict[str, Any] = {"weights": str(file), "device": "cpu", "input_size": 64}

    with pytest.raises(ModelError, match="allow_unknown_checksum=True"):
        ObjectDetector("yolox_nano", **options).check()
    ObjectDetector("yolox_nano", allow_unknown_checksum=True, **options).check()
    node = ObjectDetector("yolox_nano", **options)
    node.check()
    node.open()

    (found,) = node.process_batch([_grey((48, 64))])

    node.close()
    assert found.stamp.index == 7


@pytest.mark.usefixtures("weights")
def test_size_that_a_model_does_not_take_is_refused_at_once(tmp_path: Path) -> None:
    """A model of one fixed size refuses another before any worker starts."""
    folder = write_card(tmp_path / "mine", "net.onnx", "xyxy_batch")

    with pytest.raises(ModelError, match="the network takes 32 x 32 only"):
        ObjectDetector(folder, input_size=64).check()
