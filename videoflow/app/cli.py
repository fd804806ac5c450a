"""The command line: ``videoflow run CONFIG --set name=value``, ``explain`` and ``eval``.

Exit codes: 0 done, 1 the flow failed, 2 the input was wrong and nothing was started,
130 stopped by Ctrl-C, 143 stopped by SIGTERM.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from enum import StrEnum
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from videoflow import __version__
from videoflow.errors import VideoflowError

if TYPE_CHECKING:
    from videoflow.core.flow import Flow

__all__ = ["app", "main"]

_FAILED = 1
_WRONG_INPUT = 2
_INTERRUPTED = 128 + signal.SIGINT
_TERMINATED = 128 + signal.SIGTERM


class Placement(StrEnum):
    """Which nodes share a worker."""

    AUTO = "auto"
    PROCESS = "process"
    FUSED = "fused"


class Classes(StrEnum):
    """Which boxes of a ground truth are scored."""

    AUTO = "auto"
    PEDESTRIAN = "pedestrian"
    IGNORE = "ignore"


app = typer.Typer(
    name="videoflow",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
eval_app = typer.Typer(no_args_is_help=True, help="Score results against ground truth.")
app.add_typer(eval_app, name="eval")

ConfigArgument = Annotated[
    str, typer.Argument(metavar="CONFIG", help="A YAML file, or the name of a shipped config.")
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Set an input of the config; repeatable."),
]
PlacementOption = Annotated[
    Placement | None, typer.Option(help="Which nodes share a worker, instead of the config's.")
]
TracebackOption = Annotated[
    bool, typer.Option("--traceback", help="Show the traceback of a node that failed.")
]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Args:
        arguments: Without the program's name; None for those of the process.
    """
    try:
        app(None if arguments is None else list(arguments), prog_name="videoflow")
    except SystemExit as exit:
        return exit.code if isinstance(exit.code, int) else int(bool(exit.code))
    return 0


def _print_version(is_asked: bool) -> None:
    if is_asked:
        print(f"videoflow {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", is_eager=True, callback=_print_version, help="Print the version."
        ),
    ] = False,
) -> None:
    """Run models on video streams: flows of producers, processors and consumers."""


@app.command()
def run(
    config: ConfigArgument,
    settings: SetOption = None,
    placement: PlacementOption = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", help="No progress and no report, only errors.")
    ] = False,
    traceback: TracebackOption = False,
) -> None:
    """Run a flow to its end and report.

    Each config says under `inputs` what `--set` may set; who forgets an input is told what it
    is. What `explain` prints for the same words is how the flow would run.

    Count the people who cross a line in a video, then only track a file of detections:

        videoflow run count_people --set source=door.mp4 --set out=counted

        videoflow run track_detections --set detections=det.txt --set out=tracks.txt
    """
    from rich.console import Console  # slow: not for --version

    from videoflow.app.progress import show_progress
    from videoflow.app.report import print_report

    with _exit_code(_WRONG_INPUT, traceback):
        flow = _load(config, settings, placement)
        flow.run()
    terminal = Console(stderr=True)
    with _exit_code(_FAILED, traceback), _stopped_by_sigterm(flow) as is_terminated:
        try:
            with nullcontext() if quiet else show_progress(flow, terminal):
                flow.join()
        finally:
            if not quiet and not flow.is_running:
                print_report(flow.report, Console())
    if is_terminated():
        raise typer.Exit(_TERMINATED)


@app.command()
def explain(
    config: ConfigArgument,
    settings: SetOption = None,
    placement: PlacementOption = None,
    traceback: TracebackOption = False,
) -> None:
    """Print the plan of a flow: workers, nodes, devices, tickets. Starts nothing."""
    with _exit_code(_WRONG_INPUT, traceback):
        print(_load(config, settings, placement).explain())


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
            help="The frame of the ground truth that is frame 1 of the tracks; earlier ones "
            "are left out. Once for all, or once for each pair."
        ),
    ] = None,
    last_frame: Annotated[
        list[int] | None,
        typer.Option(
            help="The last frame of the ground truth to score, as its file counts. Once for "
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

    with _exit_code(_WRONG_INPUT, shows_traceback=False):
        files = find_pairs(
            gt, tracks, first_frames=first_frame or (), last_frames=last_frame or ()
        )
        scores, notes = score_files(files, classes=classes.value)
    for note in notes:
        print(f"note: {note}", file=sys.stderr)
    print(json_of(scores) if as_json else table_of(scores))


def _load(config: str, settings: list[str] | None, placement: Placement | None) -> Flow:
    from videoflow.app.config import read_config  # slow: not for --version
    from videoflow.app.inputs import parse_settings
    from videoflow.app.shipped import find_config

    checked = read_config(find_config(config), parse_settings(settings or []))
    return checked.build(placement=placement)


@contextmanager
def _exit_code(code: int, shows_traceback: bool) -> Iterator[None]:
    """Turn an error into a message and an exit code."""
    try:
        yield
    except VideoflowError as error:
        _fail(error, code, shows_traceback)
    except KeyboardInterrupt:
        print("stopped by Ctrl-C", file=sys.stderr)
        raise typer.Exit(_INTERRUPTED) from None


def _fail(error: VideoflowError, code: int, shows_traceback: bool) -> NoReturn:
    print(f"error: {error}", file=sys.stderr)
    remote = getattr(error, "remote_traceback", "")
    for note in getattr(error, "__notes__", ()):
        if not remote or remote.strip() not in note:  # join() says it in a note, for Python
            print(f"  {note}", file=sys.stderr)
    if remote and shows_traceback:
        print(remote, file=sys.stderr)
    elif remote:
        print("  --traceback shows where in the node", file=sys.stderr)
    raise typer.Exit(code) from None


@contextmanager
def _stopped_by_sigterm(flow: Flow) -> Iterator[Callable[[], bool]]:
    """Stop ``flow`` in good order when the process is told to end."""
    received: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        received.append(number)
        flow.stop()

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield lambda: bool(received)
    finally:
        signal.signal(signal.SIGTERM, before)
