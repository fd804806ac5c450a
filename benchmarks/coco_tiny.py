"""Average precision of a model on COCO pictures, as pycocotools counts it.

    python benchmarks/coco_tiny.py FOLDER --model yolox_nano --input-size 416

FOLDER holds ``instances_val2017.json`` and the pictures in ``val2017/``. Prints one JSON
object: AP and AP50 over all classes, and of persons alone.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
from pathlib import Path
from typing import Any

import av
import numpy as np
import torch

from videoflow.data import Detections, Frame, Stamp
from videoflow.nets.load import load_detector


def evaluate(
    folder: Path, *, model: str = "yolox_nano", input_size: int = 416, batch_size: int = 8
) -> dict[str, float]:
    """Return the average precisions, 0 to 1.

    Score threshold 0.001 and NMS 0.65, so that nothing is cut off before the curve is drawn.

    Args:
        folder: With annotations and pictures.
        model: Name on the shelf.
        input_size: Longest side of the scaled pictures in pixels.
        batch_size: Pictures in one call.
    """
    from pycocotools.coco import COCO

    detector = load_detector(
        model, score_threshold=0.001, nms_threshold=0.65, input_size=input_size
    )
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(folder / "instances_val2017.json"))
    categories = {row["name"]: row["id"] for row in truth.dataset["categories"]}
    category_ids = [categories[name] for name in detector.labels]
    pictures = sorted(truth.imgs)
    rows: list[dict[str, Any]] = []
    for start in range(0, len(pictures), batch_size):
        ids = pictures[start : start + batch_size]
        frames = [_read(folder / "val2017" / truth.imgs[id_]["file_name"]) for id_ in ids]
        for id_, found in zip(ids, detector.detect(frames), strict=True):
            rows += _coco_rows(found, image_id=id_, category_ids=category_ids)
    every, every50 = _precision(truth, rows, category_ids=category_ids)
    person, person50 = _precision(truth, rows, category_ids=[categories["person"]])
    return {"AP": every, "AP50": every50, "person_AP": person, "person_AP50": person50}


def _read(path: Path) -> Frame:
    with av.open(str(path)) as container:
        picture = next(container.decode(video=0)).to_ndarray(format="rgb24")
    pixels = torch.from_numpy(picture).permute(2, 0, 1)
    return Frame(pixels, Stamp(path.stem, 0, 0.0, picture.shape[:2]), "rgb")


def _coco_rows(
    found: Detections, *, image_id: int, category_ids: list[int]
) -> list[dict[str, Any]]:
    boxes = found.boxes_xyxy.copy()
    boxes[:, 2:] -= boxes[:, :2]
    return [
        {
            "image_id": image_id,
            "category_id": category_ids[label],
            "bbox": box,
            "score": score,
        }
        for box, score, label in zip(
            boxes.tolist(), found.scores.tolist(), found.labels.tolist(), strict=True
        )
    ]


def _precision(
    truth: Any, rows: list[dict[str, Any]], *, category_ids: list[int]
) -> tuple[float, float]:
    from pycocotools.cocoeval import COCOeval

    with contextlib.redirect_stdout(io.StringIO()):
        evaluation = COCOeval(truth, truth.loadRes(rows), "bbox")
        evaluation.params.catIds = category_ids
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return float(np.round(evaluation.stats[0], 4)), float(np.round(evaluation.stats[1], 4))


def main() -> None:
    """Read the arguments, evaluate, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default="yolox_nano")
    parser.add_argument("--input-size", type=int, default=416)
    parser.add_argument("--threads", type=int, default=2)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    figures = evaluate(chosen.folder, model=chosen.model, input_size=chosen.input_size)
    print(json.dumps({"model": chosen.model, "input_size": chosen.input_size, **figures}))


if __name__ == "__main__":
    main()
