"""Score tracks against ground truth as the MOTChallenge does; the door to TrackEval.

Source: Luiten et al., *HOTA: a higher order metric for evaluating multi-object tracking*, 2021
(HOTA); Bernardin and Stiefelhagen, *Evaluating multiple object tracking performance*, 2008
(MOTA); Ristani et al., *Performance measures and a data set for multi-target, multi-camera
tracking*, 2016 (IDF1); all computed by TrackEval, which the MOTChallenge itself uses.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from videoflow.data.mot import MotRows
from videoflow.errors import MissingDependencyError, SourceError

__all__ = ["ClassRule", "MotScore", "score_mot"]

ClassRule = Literal["auto", "pedestrian", "ignore"]
"""What the classes of a ground truth mean.

``pedestrian``: as MOT16 to MOT20: pedestrians (1) are scored; a track on a distractor (7, 8, 12
or 2) is neither right nor wrong. ``ignore``: as MOT15: every class is scored. ``auto``:
``pedestrian`` where the file has a class from 1 to 13 in every row, else ``ignore``. A box that
is marked with a 0 instead of a score is never scored.
"""

_PEDESTRIAN: Final = 1
_LAST_CLASS: Final = 13  # of MOT16 to MOT20
_NAME: Final = "pair"  # of the only sequence that TrackEval is shown at a time

_Result = dict[str, Any]


@dataclass(frozen=True, slots=True)
class MotScore:
    """How good the tracks of one sequence, or of several together, are.

    Attributes:
        hota: In per cent, the mean over localisation thresholds from 0.05 to 0.95.
        mota: In per cent, at IoU 0.5; below 0 where more is wrong than right.
        idf1: In per cent, at IoU 0.5.
        id_switches: How often a real object's track changed its id.
        false_positives: Boxes without a real object.
        false_negatives: Real objects without a box.
    """

    hota: float
    mota: float
    idf1: float
    id_switches: int
    false_positives: int
    false_negatives: int


def score_mot(
    pairs: Mapping[str, tuple[MotRows, MotRows]], *, classes: ClassRule = "auto"
) -> dict[str, MotScore]:
    """Score tracks against the ground truth of the same frames.

    Args:
        pairs: Name of a sequence to its ground truth and its tracks, at least one. A
            sequence is as long as the later of the two.
        classes: What the classes of the ground truth mean.

    Returns:
        Name to score, in the order of ``pairs``, then ``together``: as if all sequences were
        one.

    Raises:
        MissingDependencyError: TrackEval is not installed.
        SourceError: An id is there twice in one frame, or a track has a class that is not
            scored.
    """
    trackeval = _import_trackeval()
    quiet = {"PRINT_CONFIG": False}
    metrics = {
        "HOTA": trackeval.metrics.HOTA(),
        "CLEAR": trackeval.metrics.CLEAR(quiet),
        "Identity": trackeval.metrics.Identity(quiet),
    }
    results: dict[str, _Result] = {}
    for name, (truth, tracks) in pairs.items():
        data = _load(trackeval, name, truth, tracks, classes)
        results[name] = {key: metric.eval_sequence(data) for key, metric in metrics.items()}
    together = {
        key: metric.combine_sequences({name: result[key] for name, result in results.items()})
        for key, metric in metrics.items()
    }
    return {name: _score(result) for name, result in results.items()} | {
        "together": _score(together)
    }


def _import_trackeval() -> ModuleType:
    try:
        import trackeval
    except ImportError as error:
        raise MissingDependencyError(
            "scoring tracks needs TrackEval, which is not installed",
            help='pip install "videoflow[eval]"',
        ) from error
    module: ModuleType = trackeval
    return module


def _load(
    trackeval: ModuleType, name: str, truth: MotRows, tracks: MotRows, classes: ClassRule
) -> Any:
    """Let TrackEval read one pair, from files in the one form that it knows."""
    by_class = _has_mot_classes(truth) if classes == "auto" else classes == "pedestrian"
    if by_class and tracks.classes is not None and (tracks.classes != _PEDESTRIAN).any():
        raise SourceError(
            f"{name}: got tracks of the classes {np.unique(tracks.classes).tolist()}, want "
            f"only {_PEDESTRIAN}, the pedestrians that are scored"
        )
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        _write(root / "gt" / _NAME / "gt" / "gt.txt", _columns(f"{name}, truth", truth))
        _write(root / "tracks" / "ours" / "data" / f"{_NAME}.txt", _columns(name, tracks))
        dataset = trackeval.datasets.MotChallenge2DBox(
            {
                "GT_FOLDER": str(root / "gt"),
                "TRACKERS_FOLDER": str(root / "tracks"),
                "SEQ_INFO": {_NAME: max(truth.last_frame, tracks.last_frame)},
                "SKIP_SPLIT_FOL": True,
                "BENCHMARK": "MOT17" if by_class else "MOT15",
                "PRINT_CONFIG": False,
            }
        )
        raw = dataset.get_raw_seq_data("ours", _NAME)
        return dataset.get_preprocessed_seq_data(raw, "pedestrian")


def _has_mot_classes(truth: MotRows) -> bool:
    classes = truth.classes
    return classes is not None and bool(((classes >= 1) & (classes <= _LAST_CLASS)).all())


def _columns(name: str, rows: MotRows) -> NDArray[np.float64]:
    """Return the eight columns that TrackEval looks at."""
    _, ids = np.unique(rows.ids, return_inverse=True)  # it takes no negative ones
    pairs, counts = np.unique(
        np.stack([rows.frames, rows.ids]).reshape(2, -1), axis=1, return_counts=True
    )
    if (counts > 1).any():
        frame, twice = pairs[:, np.argmax(counts)].tolist()
        raise SourceError(f"{name}: got id {twice} {counts.max()} times in frame {frame}")
    classes = np.ones(len(rows)) if rows.classes is None else rows.classes
    return np.column_stack([rows.frames, ids, rows.boxes_xywh, rows.scores, classes])


def _write(path: Path, columns: NDArray[np.float64]) -> None:
    path.parent.mkdir(parents=True)
    np.savetxt(path, columns, delimiter=",", fmt="%.17g")


def _score(result: _Result) -> MotScore:
    clear = result["CLEAR"]
    return MotScore(
        hota=100 * float(np.mean(result["HOTA"]["HOTA"])),
        mota=100 * float(clear["MOTA"]),
        idf1=100 * float(result["Identity"]["IDF1"]),
        id_switches=int(clear["IDSW"]),
        false_positives=int(clear["CLR_FP"]),
        false_negatives=int(clear["CLR_FN"]),
    )
