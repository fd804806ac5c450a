"""What ``videoflow eval mot`` does: find pairs of files, score them, show the scores."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

from videoflow.data.mot import MotRows, read_mot
from videoflow.errors import ConfigError, SourceError
from videoflow.evaluation.mot_score import ClassRule, MotScore, score_mot

__all__ = ["MotFiles", "find_pairs", "json_of", "score_files", "table_of"]

Default = TypeVar("Default", int, None)

_TRUTHS = ("{name}/gt/gt.txt", "{name}/gt.txt", "{name}.txt")
_TRACKS = ("{name}.txt", "{name}/tracks.txt")


@dataclass(frozen=True, slots=True)
class MotFiles:
    """The files of one sequence.

    Attributes:
        name: For the line of its scores.
        truth: The ground truth.
        tracks: What is scored; its frame 1 is ``first_frame`` of the ground truth.
        first_frame: From where on the ground truth counts.
        last_frame: Up to where; None for its last row.
    """

    name: str
    truth: Path
    tracks: Path
    first_frame: int = 1
    last_frame: int | None = None


def find_pairs(
    truths: Sequence[Path],
    tracks: Sequence[Path],
    *,
    first_frames: Sequence[int] = (),
    last_frames: Sequence[int] = (),
) -> list[MotFiles]:
    """Pair files of ground truth with files of tracks.

    Args:
        truths: Files, or folders with ``NAME/gt/gt.txt``, ``NAME/gt.txt`` or ``NAME.txt``.
        tracks: As many; for a folder, one with ``NAME.txt`` or ``NAME/tracks.txt``.
        first_frames: None, one for all, or one for each pair, in the order of the result.
        last_frames: The same.

    Raises:
        ConfigError: What does not go together, or a range that makes no sense.
    """
    if len(truths) != len(tracks):
        raise ConfigError(
            f"got {len(truths)} x --gt and {len(tracks)} x --tracks, want pairs of them",
            help="say --tracks once for each --gt, in the same order",
        )
    pairs = [
        pair for both in zip(truths, tracks, strict=True) for pair in _pairs_of_paths(*both)
    ]
    names = Counter(_name_of(truth) for truth, _ in pairs)
    firsts = _one_for_each("--first-frame", first_frames, len(pairs), default=1)
    lasts = _one_for_each("--last-frame", last_frames, len(pairs), default=None)
    for first, last in zip(firsts, lasts, strict=True):
        if first < 1 or (last is not None and last < first):
            raise ConfigError(
                f"got --first-frame {first} and --last-frame {last}, want 1 <= first <= last",
                help="both count as the ground truth does, from 1",
            )
    return [
        MotFiles(
            _name_of(truth) if names[_name_of(truth)] == 1 else str(found),
            truth,
            found,
            first,
            last,
        )
        for (truth, found), first, last in zip(pairs, firsts, lasts, strict=True)
    ]


def score_files(
    files: Sequence[MotFiles], *, classes: ClassRule = "auto"
) -> tuple[dict[str, MotScore], list[str]]:
    """Score each pair, and all of them together.

    Returns:
        Name to score, ``together`` last; and remarks on what was left out.

    Raises:
        SourceError: A file that cannot be read or has a malformed row, a ground truth without
            a row in its range, or tracks that go on after the ground truth has ended.
        MissingDependencyError: TrackEval is not installed.
    """
    pairs: dict[str, tuple[MotRows, MotRows]] = {}
    notes: list[str] = []
    for one in files:
        pairs[one.name] = _read_pair(one, notes)
    return score_mot(pairs, classes=classes), notes


def table_of(scores: Mapping[str, MotScore]) -> str:
    """Return the scores as lines of text; of a single sequence only its own line."""
    shown = dict(list(scores.items())[:1]) if len(scores) == 2 else scores
    width = max(map(len, [*shown, "sequence"]))
    rows = [f"{'sequence':<{width}}    HOTA    MOTA    IDF1    IDs      FP      FN"]
    rows += [
        f"{name:<{width}}  {s.hota:6.2f}  {s.mota:6.2f}  {s.idf1:6.2f}  {s.id_switches:5d}  "
        f"{s.false_positives:6d}  {s.false_negatives:6d}"
        for name, s in shown.items()
    ]
    return "\n".join(rows)


def json_of(scores: Mapping[str, MotScore]) -> str:
    """Return the scores as a JSON object: ``sequences`` by name, and ``together``."""
    by_name = {name: asdict(score) for name, score in scores.items()}
    together = by_name.pop("together")
    return json.dumps({"sequences": by_name, "together": together}, indent=2)


def _pairs_of_paths(truth: Path, tracks: Path) -> list[tuple[Path, Path]]:
    if not truth.is_dir() and not tracks.is_dir():
        return [(truth, tracks)]
    if not (truth.is_dir() and tracks.is_dir()):
        raise ConfigError(
            f"got --gt {truth} and --tracks {tracks}, want two files or two folders",
            help="of a folder NAME.txt or NAME/tracks.txt are the tracks of NAME",
        )
    names = {entry.stem if entry.suffix == ".txt" else entry.name for entry in truth.iterdir()}
    truths = {name: found for name in sorted(names) if (found := _find(truth, name, _TRUTHS))}
    if not truths:
        raise ConfigError(
            f"{truth}: got no ground truth, want "
            + " or ".join(form.format(name="NAME") for form in _TRUTHS),
            help="to score a single sequence, name the files: --gt FILE --tracks FILE",
        )
    pairs = []
    for name, path in truths.items():
        found = _find(tracks, name, _TRACKS)
        if found is None:
            raise ConfigError(
                f"{tracks}: got no tracks for {name!r}, want "
                + " or ".join(form.format(name=name) for form in _TRACKS),
                help="to score some sequences only, name the files: --gt FILE --tracks FILE",
            )
        pairs.append((path, found))
    return pairs


def _find(folder: Path, name: str, forms: Sequence[str]) -> Path | None:
    paths = (folder / form.format(name=name) for form in forms)
    return next((path for path in paths if path.is_file()), None)


def _name_of(truth: Path) -> str:
    """Return the name of the sequence: ``MOT17-02`` for ``MOT17-02/gt/gt.txt``."""
    names = [name for name in (truth.stem, *map(str, reversed(truth.parts[:-1]))) if name]
    return next((name for name in names if name != "gt"), truth.stem)


def _one_for_each(
    option: str, values: Sequence[int], num_pairs: int, *, default: Default
) -> list[int | Default]:
    if len(values) not in (0, 1, num_pairs):
        raise ConfigError(
            f"got {len(values)} x {option} for {num_pairs} pairs, want one, or one for each",
            help="a folder counts as many pairs as it has sequences",
        )
    if len(values) == num_pairs:
        return list(values)
    return [values[0] if values else default] * num_pairs


def _read_pair(one: MotFiles, notes: list[str]) -> tuple[MotRows, MotRows]:
    truth, tracks = read_mot(one.truth), read_mot(one.tracks)
    last = one.last_frame or truth.last_frame
    there = truth.between(one.first_frame, last)
    if not len(truth):
        raise SourceError(
            f"{one.truth}: got no row, want frame,id,left,top,width,height,score in each",
            help="give the file of ground truth; the tracks may be empty, it may not",
        )
    if not len(there):
        raise SourceError(
            f"{one.truth}: got no row in the frames {one.first_frame} to {last}, "
            f"want some; the file's last row is of frame {truth.last_frame}",
            help="--first-frame and --last-frame count as the ground truth does, from 1",
        )
    num_frames = last - one.first_frame + 1
    found = tracks.between(1, num_frames)
    num_after = len(tracks) - len(found)
    if num_after and one.last_frame is None:
        raise SourceError(
            f"{one.tracks}: got tracks up to frame {tracks.last_frame}, want at most "
            f"{num_frames} frames, as many as the ground truth {one.truth} has",
            help=f"--last-frame {last} leaves out what comes later; tracks count their frames "
            f"from 1, which is frame {one.first_frame} of the ground truth",
        )
    if num_after:
        notes.append(f"{one.tracks}: {num_after} boxes after frame {num_frames} left out")
    return there, found
