"""Detections as results in COCO's form, and its annotations as detections.

Source: the data format and the results format of the COCO dataset, cocodataset.org. The door
to pycocotools, which knows how masks are encoded there; boxes and keypoints need no library.
"""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from videoflow.data.detections import Detections, Tracks
from videoflow.data.frame import Stamp
from videoflow.data.masks import Masks
from videoflow.data.natural_order import natural_key
from videoflow.errors import MissingDependencyError, ShapeError, SourceError

__all__ = ["CocoAnnotations", "read_coco", "to_coco"]

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class CocoAnnotations:
    """What a file of annotations says.

    Attributes:
        detections: Image id to what is in the image, also for images without an object, in
            the natural order of the file names: an ``ImageFolderReader`` that reads these
            images gives them the same ``stamp.index``.
        file_names: Image id to the name of its file.
        class_names: Of each label.
        category_ids: COCO's id of each label, for ``to_coco``.
    """

    detections: dict[int, Detections]
    file_names: dict[int, str]
    class_names: list[str]
    category_ids: list[int]

    @property
    def image_ids(self) -> list[int]:
        """COCO's id of each ``stamp.index``, for ``to_coco``."""
        return list(self.detections)


def to_coco(
    people: Iterable[Detections | Tracks | None],
    *,
    image_ids: Sequence[int] | Mapping[int, int] | None = None,
    category_ids: Sequence[int] | Mapping[int, int] | None = None,
) -> list[Record]:
    """Return results as ``pycocotools`` takes them: ``COCO.loadRes(to_coco(...))``.

    A record has ``image_id``, ``category_id``, ``bbox`` (left, top, width, height) and
    ``score``; with masks ``segmentation``, run-length encoded; with keypoints ``keypoints``
    (x, y, score of each); for tracks ``track_id``. All of it goes into JSON as it stands.

    Args:
        people: One for each picture; None (nobody looked) is passed over.
        image_ids: The id of each ``stamp.index``; None where it is the index itself.
        category_ids: The id of each label; None where it is the label itself.

    Raises:
        ShapeError: An index or a label that has no id.
        MissingDependencyError: There are masks, and pycocotools is not installed.
    """
    return [
        record
        for of_frame in people
        if of_frame is not None
        for record in _records(of_frame, image_ids, category_ids)
    ]


def read_coco(path: str | os.PathLike[str], *, with_masks: bool = False) -> CocoAnnotations:
    """Read a file of annotations.

    Labels are the places of the categories by rising id, which for COCO's 80 is the order
    that models know. Scores are 1 (or what a ``score`` says), crowds are left out, and there
    are keypoints where every object of an image has them (score 1 where labelled, else 0).

    Args:
        path: Of a JSON file with ``images``, ``annotations`` and ``categories``.
        with_masks: Also decode ``segmentation``; needs pycocotools.

    Raises:
        SourceError: The file cannot be read or is none of annotations.
        MissingDependencyError: Masks are wanted, and pycocotools is not installed.
    """
    path = Path(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise SourceError(f"{path}: cannot be read as JSON: {error}") from error
    try:
        return _annotations(content, path.stem, with_masks)
    except (KeyError, TypeError, IndexError, ValueError) as error:
        raise SourceError(
            f"{path}: got {error!r}, want COCO's images, annotations and categories"
        ) from error


def _annotations(content: Record, stream: str, with_masks: bool) -> CocoAnnotations:
    categories = sorted(content["categories"], key=lambda category: category["id"])
    labels = {category["id"]: label for label, category in enumerate(categories)}
    images = sorted(content["images"], key=lambda image: natural_key(image["file_name"]))
    by_image: dict[int, list[Record]] = {image["id"]: [] for image in images}
    for entry in content["annotations"]:
        if not entry.get("iscrowd"):
            by_image[entry["image_id"]].append(entry)
    detections = {}
    for index, image in enumerate(images):
        stamp = Stamp(stream, index, float(index), (image["height"], image["width"]))
        found = by_image[image["id"]]
        detections[image["id"]] = _detections(found, stamp, labels, with_masks)
    return CocoAnnotations(
        detections,
        {image["id"]: image["file_name"] for image in images},
        [category["name"] for category in categories],
        list(labels),
    )


def _detections(
    entries: Sequence[Record], stamp: Stamp, labels: Mapping[int, int], with_masks: bool
) -> Detections:
    boxes = np.array([entry["bbox"] for entry in entries], np.float64).reshape(-1, 4)
    boxes[:, 2:] += boxes[:, :2]
    keypoints = None
    if entries and all("keypoints" in entry for entry in entries):
        keypoints = np.array([entry["keypoints"] for entry in entries], np.float32)
        keypoints = keypoints.reshape(len(entries), -1, 3)
        keypoints[..., 2] = np.minimum(keypoints[..., 2], 1)
    return Detections(
        stamp,
        boxes.astype(np.float32),
        np.array([entry.get("score", 1.0) for entry in entries], np.float32),
        np.array([labels[entry["category_id"]] for entry in entries], np.int64),
        masks=_masks(entries, stamp.size_hw) if with_masks else None,
        keypoints=keypoints,
    )


def _records(
    people: Detections | Tracks,
    image_ids: Sequence[int] | Mapping[int, int] | None,
    category_ids: Sequence[int] | Mapping[int, int] | None,
) -> list[Record]:
    index = people.stamp.index
    image_id = _id_of(index, image_ids, "image_ids: got index")
    boxes = people.boxes_xyxy.astype(np.float64)
    boxes[:, 2:] -= boxes[:, :2]
    columns = (people.labels.tolist(), boxes.tolist(), people.scores.tolist())
    records: list[Record] = [
        {
            "image_id": image_id,
            "category_id": _id_of(label, category_ids, "category_ids: got label"),
            "bbox": box,
            "score": score,
        }
        for label, box, score in zip(*columns, strict=True)
    ]
    extras: dict[str, list[Any]] = {}
    if people.masks is not None:
        extras["segmentation"] = [_encode(mask) for mask in people.masks.dense()]
    if people.keypoints is not None:
        extras["keypoints"] = people.keypoints.reshape(len(people), -1).tolist()
    if isinstance(people, Tracks):
        extras["track_id"] = people.ids.tolist()
    for key, values in extras.items():
        for record, value in zip(records, values, strict=True):
            record[key] = value
    return records


def _id_of(number: int, ids: Sequence[int] | Mapping[int, int] | None, got: str) -> int:
    if ids is None:
        return number
    if number not in (ids if isinstance(ids, Mapping) else range(len(ids))):
        raise ShapeError(f"{got} {number}, want one of the {len(ids)} that have an id")
    return ids[number]


def _encode(mask: NDArray[np.bool_]) -> Record:
    found = _import_mask().encode(np.asfortranarray(mask, np.uint8))
    return {"size": found["size"], "counts": found["counts"].decode("ascii")}


def _masks(entries: Sequence[Record], size_hw: tuple[int, int]) -> Masks:
    coder = _import_mask()
    dense = np.zeros((len(entries), *size_hw), np.bool_)
    for mask, entry in zip(dense, entries, strict=True):
        shape = entry["segmentation"]
        if isinstance(shape, list):  # polygons
            shape = coder.merge(coder.frPyObjects(shape, *size_hw))
        elif isinstance(shape["counts"], list):
            shape = coder.frPyObjects(shape, *size_hw)
        with warnings.catch_warnings():
            # Its arrays are of a time before NumPy 2, which says so at each call.
            warnings.simplefilter("ignore", DeprecationWarning)
            mask[:] = coder.decode(shape)
    return Masks.from_dense(dense)


def _import_mask() -> ModuleType:
    try:
        from pycocotools import mask
    except ImportError as error:
        raise MissingDependencyError(
            "masks in COCO's form need pycocotools, which is not installed",
            help='pip install "videoflow[coco]"',
        ) from error
    module: ModuleType = mask
    return module
