"""Results in COCO's form, and its annotations."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from videoflow.data import Detections, Masks, Stamp, Tracks, read_coco, to_coco
from videoflow.errors import MissingDependencyError, ShapeError, SourceError


def found(index: int, num: int = 2, **extras: Any) -> Detections:
    stamp = Stamp("images", index, float(index), (8, 10))
    boxes = np.array([[2, 1, 5, 3], [0, 4, 10, 8]], np.float32)[:num]
    scores = np.array([0.5, 0.75], np.float32)[:num]
    return Detections(stamp, boxes, scores, np.array([1, 0])[:num], **extras)


def masks() -> Masks:
    dense = np.zeros((2, 8, 10), bool)
    dense[0, 1:3, 2:5] = dense[1, 4:] = True
    dense[1, 5, 5] = False
    return Masks.from_dense(dense)


def write_truth(records: list[dict[str, Any]], folder: Path) -> Path:
    """Write records as a file of annotations of two images and two categories."""
    path = folder / "truth.json"
    images = [{"id": n, "height": 8, "width": 10, "file_name": f"{n}.jpg"} for n in (117, 42)]
    categories = [{"id": n, "name": name} for n, name in ((3, "dog"), (1, "cat"))]
    numbered = [{"id": n} | record for n, record in enumerate(records, 1)]
    content = {"images": images, "annotations": numbered, "categories": categories}
    path.write_text(json.dumps(content))
    return path


def test_a_record_for_each_box() -> None:
    """A record has what the evaluation asks for; None is passed over."""
    records = to_coco([found(0, 1), None, found(5, 0), found(9, 1)])

    assert records == [
        {"image_id": n, "category_id": 1, "bbox": [2, 1, 3, 2], "score": 0.5} for n in (0, 9)
    ]
    assert to_coco([]) == []


def test_ids_are_looked_up() -> None:
    """The index becomes the image's id and the label the category's."""
    records = to_coco([found(1)], image_ids=[42, 117], category_ids={0: 1, 1: 3})

    assert [(r["image_id"], r["category_id"]) for r in records] == [(117, 3), (117, 1)]


def test_tracks_have_their_ids() -> None:
    """An id travels along."""
    of = found(0)
    tracks = Tracks(of.stamp, np.array([4, 6]), of.boxes_xyxy, of.scores, of.labels)

    assert [record["track_id"] for record in to_coco([tracks])] == [4, 6]


def test_results_come_back_as_annotations(tmp_path: Path) -> None:
    """All there is survives a file of annotations; images come as their names are read."""
    keypoints = np.array([[[1, 2, 1], [3, 4, 0]], [[5, 6, 0], [7, 8, 1]]], np.float32)
    there = [found(0, masks=masks(), keypoints=keypoints), found(1, 0)]
    path = write_truth(to_coco(there, image_ids=[42, 117], category_ids=[1, 3]), tmp_path)

    read = read_coco(path, with_masks=True)

    assert (read.image_ids, read.file_names[42]) == ([42, 117], "42.jpg")
    assert (read.class_names, read.category_ids) == (["cat", "dog"], [1, 3])
    back = read.detections[42]
    for name in ("boxes_xyxy", "scores", "labels", "keypoints"):
        np.testing.assert_array_equal(getattr(back, name), getattr(there[0], name))
    assert back.masks is not None
    np.testing.assert_array_equal(back.masks.dense(), masks().dense())
    assert (len(read.detections[117]), read.detections[117].stamp.index) == (0, 1)


def test_crowds_are_left_out_and_polygons_are_filled(tmp_path: Path) -> None:
    """A crowd is no object; a polygon becomes the pixels inside of it."""
    box = {"image_id": 117, "category_id": 3, "bbox": [2, 1, 4, 4]}
    polygon = box | {"segmentation": [[2, 1, 6, 1, 6, 5, 2, 5]]}
    path = write_truth([polygon, box | {"iscrowd": 1}], tmp_path)

    people = read_coco(path, with_masks=True).detections[117]

    assert (len(people), people.scores.tolist()) == (1, [1.0])
    assert people.masks is not None
    assert people.masks.areas().tolist() == [16]


def test_pycocotools_takes_the_results(tmp_path: Path) -> None:
    """Results that are the annotations score an AP of 1."""
    coco = pytest.importorskip("pycocotools.coco")
    evaluation = pytest.importorskip("pycocotools.cocoeval")
    results = to_coco([found(0), found(1, 1)], image_ids=[42, 117], category_ids=[1, 3])
    extras = {"area": 6.0, "iscrowd": 0}
    path = write_truth([record | extras for record in results], tmp_path)

    with contextlib.redirect_stdout(io.StringIO()):
        truth = coco.COCO(str(path))
        scored = evaluation.COCOeval(truth, truth.loadRes(results), "bbox")
        scored.evaluate()
        scored.accumulate()
        scored.summarize()

    assert scored.stats[0] == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("{", "cannot be read as JSON", id="no json"),
        pytest.param("[]", "want COCO's images", id="results"),
        pytest.param("{}", "want COCO's images", id="nothing in it"),
        pytest.param(
            '{"images": [], "categories": [], "annotations": [{}]}', "'image_id'", id="x"
        ),
    ],
)
def test_a_file_of_another_kind(tmp_path: Path, text: str, message: str) -> None:
    """What is no file of annotations is told by its name."""
    path = tmp_path / "a.json"
    path.write_text(text)

    with pytest.raises(SourceError, match=rf"a\.json.*{message}"):
        read_coco(path)


def test_masks_without_pycocotools(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only masks need the library, and who has not installed it is told how."""
    monkeypatch.setitem(sys.modules, "pycocotools", None)

    assert len(to_coco([found(0)])) == 2
    with pytest.raises(MissingDependencyError, match=r'pip install "videoflow\[coco\]"'):
        to_coco([found(0, masks=masks())])


def test_reads_coco_itself(test_data: Path) -> None:
    """The 80 images of the test data have the classes that models know, in their order."""
    read = read_coco(test_data / "coco_tiny" / "instances_val2017.json")

    assert len(read.detections) == 80
    assert (len(read.class_names), read.class_names[0]) == (80, "person")
    assert sum(map(len, read.detections.values())) > 400


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        pytest.param({"category_ids": [3]}, "got label 1, want one of the 1", id="label"),
        pytest.param({"image_ids": {4: 42}}, "got index 1, want one of the 1", id="index"),
        pytest.param({"image_ids": []}, "got index 1, want one of the 0", id="no ids"),
    ],
)
def test_what_has_no_id_is_refused(ids: dict[str, Any], message: str) -> None:
    """A label beyond the list is a mistake, not another class."""
    with pytest.raises(ShapeError, match=message):
        to_coco([found(1)], **ids)
