"""The command line of evaluation: ``videoflow eval mot``."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from videoflow.app.cli_verbs import WordGroup
from videoflow.app.exit_codes import WRONG_INPUT, exit_code

__all__ = ["eval_app"]

eval_app = typer.Typer(
    cls=WordGroup, no_args_is_help=True, help="Score results against ground truth."
)


class Classes(StrEnum):
    """Which boxes of a ground truth are scored."""

    AUTO = "auto"
    PEDESTRIAN = "pedestrian"
    IGNORE = "ignore"


@eval_app.command()
def mot(  # noqa: PLR0913 - the options of a command
    gt: Annotated[
        list[Path],
        typer.Option(
            help="Ground truth: a file, or a folder with NAME/gt/gt.txt, NAME/gt.txt or "
            "NAME.txt; repeatable."
        ),
    ],
    tracks: Annotated[
        list[Path],
        typer.Option(
            help="Tracks of the --gt at the same place: a file, or a folder with NAME.txt or "
            "NAME/tracks.txt; repeatable."
        ),
    ],
    first_frame: Annotated[
        list[int] | None,
        typer.Option(
            help="The frame of the ground truth, an int >= 1, that is frame 1 of the tracks; "
            "earlier ones "
            "are left out. Once for all, or once for each pair."
        ),
    ] = None,
    last_frame: Annotated[
        list[int] | None,
        typer.Option(
            help="The last frame of the ground truth to score, an int, as its file counts. "
            "Once for "
            "all, or once for each pair."
        ),
    ] = None,
    classes: Annotated[
        Classes,
        typer.Option(
            help="Which boxes of the ground truth are scored: those of pedestrians, all "
            "(ignore the classes), or as the file suggests."
        ),
    ] = Classes.AUTO,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a JSON object instead of a table.")
    ] = False,
) -> None:
    """Score tracks: HOTA, MOTA, IDF1, id switches, false positives and negatives.

    Files are in the format of MOTChallenge, `frame,id,left,top,width,height,score,...`, with
    frames from 1. The scores are those of TrackEval; HOTA, MOTA and IDF1 are in per cent, IDs
    are id switches, FP and FN are boxes. Several pairs get a line each and one for all
    together.

    A ground truth with a class from 1 to 13 in its eighth column is read as MOT16, MOT17 and
    MOT20 are scored: pedestrians (class 1) count, and a track on a distractor (a person on a
    vehicle, a static person, a distractor, a reflection) is neither right nor wrong. One
    without classes, as MOT15 or most files of your own, counts every box. Either way a box
    with a 0 in the seventh column does not count.

    A file, the second half of a sequence of 600 frames, and all sequences of a folder:

        videoflow eval mot --gt gt.txt --tracks tracks.txt

        videoflow eval mot --gt gt.txt --tracks tracks.txt --first-frame 302

        videoflow eval mot --gt MOT17/train --tracks results --json
    """
    from videoflow.app.mot_evaluation import find_pairs, json_of, score_files, table_of
    from videoflow.app.working import show_working

    with exit_code(WRONG_INPUT):
        files = find_pairs(
            gt, tracks, first_frames=first_frame or (), last_frames=last_frame or ()
        )
        with show_working(f"scoring {len(files)} sequences"):
            scores, notes = score_files(files, classes=classes.value)
    for note in notes:
        print(f"note: {note}", file=sys.stderr)
    print(json_of(scores) if as_json else table_of(scores))
