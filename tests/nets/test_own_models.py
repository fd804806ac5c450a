"""Models that users bring: files, functions, folders with a card."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch
import yaml

from tests.nets.own_models import LABELS, SIZE, Brightest, Listing
from videoflow.data import Frame, Stamp
from videoflow.errors import ModelError, ShapeError
from videoflow.nets.card import load_card
from videoflow.nets.load import load_detector

MODULE = "tests.nets.own_models"
FORMS = ["cxcywh_logits", "cxcywh_scores", "cxcywh_class_scores", "xyxy_batch", "xyxy_single"]


def frame(
    box: Sequence[int] | None, *, size_hw: tuple[int, int] = (64, 64), index: int = 0
) -> Frame:
    """A dark frame with one bright box."""
    pixels = torch.full((3, *size_hw), 51, dtype=torch.uint8)
    if box is not None:
        left, top, right, bottom = box
        pixels[:, top:bottom, left:right] = 204
    return Frame(pixels, Stamp("camera", index, 0.0, size_hw), "rgb")


FRAMES = [
    frame((16, 8, 32, 48)),
    frame(None, index=1),
    frame((32, 64, 64, 128), size_hw=(128, 128), index=2),
]
BOXES: list[list[list[int]]] = [[[16, 8, 32, 48]], [], [[32, 64, 64, 128]]]


def write_card(folder: Path, file: str, form: str, **more: Any) -> Path:
    folder.mkdir(exist_ok=True)
    content = {
        "name": folder.name,
        "licence": "MIT",
        "labels": list(LABELS),
        "weights": {"file": file, "origin": "a test"},
        "input": {"channels": "rgb", "size": [SIZE, SIZE], "pad_value": 0, "mean": [0, 0, 0]},
        "output": {"form": form},
    }
    (folder / "model.yaml").write_text(yaml.safe_dump(content | more))
    return folder


def save_onnx(file: Path, form: str, *, is_dynamic: bool) -> None:
    names = ["boxes", "objectness", "classes"] if form == "cxcywh_logits" else ["output"]
    if form.startswith("xyxy"):
        names = ["boxes", "scores", "labels"]
    axes = {name: {0: "rows"} for name in ("images", *names)} if is_dynamic else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own
        torch.onnx.export(
            Brightest(form),
            (torch.rand(1, 3, SIZE, SIZE),),
            file,
            input_names=["images"],
            output_names=names,
            dynamic_axes=axes,
            dynamo=False,
        )


def save_script(file: Path, form: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TorchScript is deprecated, and its files live on
        traced = torch.jit.trace(Brightest(form), torch.rand(2, 3, SIZE, SIZE))  # type: ignore[no-untyped-call]
        torch.jit.save(traced, file)


def save_exported(file: Path, form: str, *, is_dynamic: bool) -> None:
    rows = 2 if is_dynamic else 1
    shapes = ({0: torch.export.Dim("rows")},) if is_dynamic else None
    program = torch.export.export(
        Brightest(form), (torch.rand(rows, 3, SIZE, SIZE),), dynamic_shapes=shapes
    )
    torch.export.save(program, file)


def assert_found(detector: Any, frames: Sequence[Frame] = FRAMES) -> None:
    found = detector.detect(frames)

    assert [one.stamp.index for one in found] == [0, 1, 2]
    for one, boxes in zip(found, BOXES, strict=True):
        np.testing.assert_allclose(one.boxes_xyxy, np.reshape(boxes, (-1, 4)), atol=0.01)
        np.testing.assert_allclose(one.scores, [0.8] * len(boxes), atol=0.001)
        assert one.labels.tolist() == [1] * len(boxes)
        assert (one.boxes_xyxy.dtype, one.labels.dtype) == (np.float32, np.int64)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("is_dynamic", [False, True], ids=["batch of one", "any batch"])
def test_onnx_file_is_run_as_it_is(form: str, is_dynamic: bool, tmp_path: Path) -> None:
    """Every form is read from an ONNX file, whatever batch is written in its graph."""
    pytest.importorskip("onnxruntime", reason="ONNX files are run by it")
    folder = write_card(tmp_path / "mine", "net.onnx", form)
    save_onnx(folder / "net.onnx", form, is_dynamic=is_dynamic and form != "xyxy_single")

    detector = load_detector(folder, device="cpu", allow_unknown_checksum=True)

    assert_found(detector)


@pytest.mark.parametrize("form", [form for form in FORMS if form != "xyxy_single"])
@pytest.mark.parametrize("is_dynamic", [False, True], ids=["batch of one", "any batch"])
def test_exported_file_is_run_as_it_is(form: str, is_dynamic: bool, tmp_path: Path) -> None:
    """So is a program of torch.export."""
    folder = write_card(tmp_path / "mine", "net.pt2", form)
    save_exported(folder / "net.pt2", form, is_dynamic=is_dynamic)

    detector = load_detector(folder, device="cpu", allow_unknown_checksum=True)

    assert_found(detector)


@pytest.mark.parametrize("form", [form for form in FORMS if form != "xyxy_single"])
@pytest.mark.parametrize("ending", [".pt", ".ts"])
def test_script_is_run_as_it_is(form: str, ending: str, tmp_path: Path) -> None:
    """So is a TorchScript file, under both its endings."""
    folder = write_card(tmp_path / "mine", f"net{ending}", form)
    save_script(folder / f"net{ending}", form)

    detector = load_detector(folder, device="cpu", allow_unknown_checksum=True)

    assert_found(detector)


@pytest.mark.parametrize("function", ["build_network", "build_lister"])
def test_function_may_build_a_network(function: str) -> None:
    """A network that describes itself needs no card."""
    assert_found(load_detector(f"{MODULE}:{function}", device="cpu"))


def test_card_may_name_a_factory_of_ones_own(tmp_path: Path) -> None:
    """A card's factory may lie in anybody's package, and give any form."""
    folder = write_card(
        tmp_path / "mine", "net.bin", "xyxy_batch", factory=f"{MODULE}:from_weights"
    )
    (folder / "net.bin").write_bytes(b"numbers")

    assert_found(load_detector(folder, device="cpu", allow_unknown_checksum=True))


@pytest.mark.parametrize(
    ("options", "num_found"),
    [
        pytest.param({}, 2, id="all"),
        pytest.param({"classes": ["bright"]}, 1, id="one class"),
        pytest.param({"score_threshold": 0.6}, 1, id="sure ones"),
        pytest.param({"classes": ["bright"], "score_threshold": 0.6}, 0, id="none"),
    ],
)
def test_function_may_build_a_whole_detector(options: Any, num_found: int) -> None:
    """A detector of one's own is asked as it is, and its answers are selected from."""
    detector = load_detector(f"{MODULE}:build_detector", device="cpu", **options)

    (found,) = detector.detect(FRAMES[:1])

    assert detector.labels == LABELS
    assert len(found) == num_found
    assert detector.detect([]) == []


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_network_of_a_function_computes_in_the_wanted_format(precision: Any) -> None:
    """A network that is built here is put into the format that was asked for."""
    detector = load_detector(f"{MODULE}:build_network", device="cpu", precision=precision)

    (found,) = detector.detect(FRAMES[:1])

    np.testing.assert_allclose(found.boxes_xyxy, BOXES[0], atol=0.5)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        pytest.param(f"{MODULE}:build_bare_network", "'input' is NoneType", id="bare"),
        pytest.param(f"{MODULE}:build_number", "built a int, want", id="number"),
        pytest.param(f"{MODULE}:nothing", "cannot find .*nothing", id="no function"),
        pytest.param("no_such_package:build", "cannot find .*no_such_package", id="no module"),
        pytest.param("a-b:build", "want 'package.module:function'", id="no name"),
    ],
)
def test_function_that_builds_no_model_is_refused(model: str, message: str) -> None:
    """What a function has to give is said when it gives something else."""
    with pytest.raises(ModelError, match=message):
        load_detector(model, device="cpu")


@pytest.mark.parametrize(
    ("file", "message"),
    [
        pytest.param("net.bin", r"got the ending '\.bin', want one of \.onnx", id="ending"),
        pytest.param("net.pt", "is no TorchScript file", id="script"),
        pytest.param("net.pt2", "is no torch.export file", id="exported"),
        pytest.param("net.onnx", "ONNX Runtime does not take it", id="onnx"),
    ],
)
def test_file_of_another_kind_is_refused(file: str, message: str, tmp_path: Path) -> None:
    """A file that is not what its ending says is refused by its name."""
    pytest.importorskip("onnxruntime", reason="ONNX files are run by it")
    folder = write_card(tmp_path / "mine", file, "xyxy_batch")
    (folder / file).write_bytes(b"nothing of the kind")

    with pytest.raises(ModelError, match=rf"{file}.*{message}"):
        load_detector(folder, device="cpu", allow_unknown_checksum=True)


def test_size_of_the_card_must_be_that_of_the_file(tmp_path: Path) -> None:
    """A card that contradicts its file is refused, with what the file takes."""
    folder = write_card(
        tmp_path / "mine",
        "net.pt2",
        "xyxy_batch",
        input={"channels": "rgb", "size": 64, "pad_value": 0},
    )
    save_exported(folder / "net.pt2", "xyxy_batch", is_dynamic=True)

    with pytest.raises(ModelError, match=r"net\.pt2 takes \[32, 32\] only"):
        load_detector(folder, device="cpu", allow_unknown_checksum=True)


@pytest.mark.parametrize(
    ("form", "labels", "message"),
    [
        pytest.param("yolox_raw", LABELS, "got .* want output", id="other form"),
        pytest.param("cxcywh_scores", LABELS, "want output", id="one tensor"),
        pytest.param("cxcywh_logits", ["a"], r"classes", id="names"),
    ],
)
def test_outputs_of_another_form_are_refused(
    form: str, labels: Any, message: str, tmp_path: Path
) -> None:
    """A card that names the wrong form is told what came and what the form is."""
    pytest.importorskip("onnxruntime", reason="ONNX files are run by it")
    folder = write_card(tmp_path / "mine", "net.onnx", form, labels=list(labels))
    save_onnx(folder / "net.onnx", "xyxy_batch", is_dynamic=True)
    detector = load_detector(folder, device="cpu", allow_unknown_checksum=True)

    with pytest.raises(ShapeError, match=message):
        detector.detect(FRAMES)


def test_labels_must_be_as_many_as_the_network_has(tmp_path: Path) -> None:
    """A label list of another length than the outputs is refused, not cut."""
    folder = write_card(tmp_path / "mine", "net.pt", "cxcywh_scores", labels=["a", "b", "c"])
    save_script(folder / "net.pt", "cxcywh_scores")
    detector = load_detector(folder, device="cpu", allow_unknown_checksum=True)

    with pytest.raises(ShapeError, match=r"got \[3, 1, 7\], want \[3, any, 8\]"):
        detector.detect(FRAMES[:1] * 3)


def test_outputs_may_be_called_otherwise(tmp_path: Path) -> None:
    """A card says what the outputs of a graph are called, in the order of the form."""
    pytest.importorskip("onnxruntime", reason="ONNX files are run by it")
    output = {"form": "xyxy_batch", "names": ["b", "s", "l"]}
    folder = write_card(tmp_path / "mine", "net.onnx", "xyxy_batch", output=output)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Brightest(),
            (torch.rand(1, 3, SIZE, SIZE),),
            folder / "net.onnx",
            output_names=["b", "s", "l"],
            dynamo=False,
        )

    assert_found(load_detector(folder, device="cpu", allow_unknown_checksum=True))


@pytest.mark.parametrize("network", [Brightest("xyxy_batch"), Brightest("cxcywh_scores")])
def test_numbers_that_are_none_are_told(
    network: Brightest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A network that overflows is an error that names the frame, not one that finds nothing."""
    monkeypatch.setattr(f"{MODULE}.build_network", lambda _device: network)
    detector = load_detector(f"{MODULE}:build_network", device="cpu", classes=["bright"])
    network.forward = lambda images: network.answer(  # type: ignore[method-assign] # spoilt
        torch.full((len(images), 1, 4), torch.nan), torch.full((len(images), 1), torch.nan)
    )

    with pytest.raises(ModelError, match=r"stream 'camera', frame 0: .*no finite numbers"):
        detector.detect(FRAMES)


def test_listing_reads_by_name() -> None:
    """The order of a dictionary does not matter."""
    (found,) = Listing()([torch.zeros(3, SIZE, SIZE)])

    assert next(iter(found)) == "labels"


def test_export_of_yolox_finds_what_the_model_of_the_shelf_finds(
    weights: Path, test_data: Path, tmp_path: Path
) -> None:
    """YOLOX's own export, run as a file with its raw outputs, gives the shelf's detections."""
    pytest.importorskip("onnxruntime", reason="ONNX files are run by it")
    nano = load_card("yolox_nano")
    folder = write_card(
        tmp_path / "mine",
        "net.onnx",
        "yolox_raw",
        labels=list(nano.labels),
        input={"channels": "bgr", "size": [416, 416], "pad_value": 114},
    )
    (folder / "net.onnx").symlink_to(weights / nano.weights.file)
    path = min((test_data / "coco_tiny" / "val2017").iterdir())
    with av.open(str(path)) as container:
        pixels = next(container.decode(video=0)).to_ndarray(format="rgb24")
    size = max(pixels.shape[:2])
    square = torch.zeros(3, size, size, dtype=torch.uint8)  # no padding in either
    square[:, : pixels.shape[0], : pixels.shape[1]] = torch.from_numpy(pixels).permute(2, 0, 1)
    picture = Frame(square, Stamp("photograph", 0, 0.0, (size, size)), "rgb")
    file = load_detector(folder, device="cpu", allow_unknown_checksum=True)

    (got,) = file.detect([picture])

    (want,) = load_detector("yolox_nano", device="cpu").detect([picture])
    assert len(want) > 0
    assert got.labels.tolist() == want.labels.tolist()
    np.testing.assert_allclose(got.boxes_xyxy, want.boxes_xyxy, atol=0.05)
    np.testing.assert_allclose(got.scores, want.scores, atol=1e-4)
