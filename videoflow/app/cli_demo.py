"""The command line's first minute: ``videoflow demo``."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from videoflow.app.exit_codes import FAILED, WRONG_INPUT, exit_code
from videoflow.app.termination import TERMINATED, stopped_by_sigterm

if TYPE_CHECKING:
    from videoflow.app.demo import DemoResult

__all__ = ["demo"]

_ADVICE = """\
These people are drawn, and the small detector behind this knows only such people.
For a video of your own (the model, 3.7 MB, is downloaded once):
  videoflow count-people VIDEO.mp4 --out counted"""


def demo(
    out: Annotated[
        Path, typer.Option(metavar="FOLDER", help="The folder to write into.")
    ] = Path("videoflow-demo"),
    seconds: Annotated[
        float, typer.Option(metavar="N", help="How long the film is, 4 to 120.")
    ] = 10.0,
    seed: Annotated[
        int,
        typer.Option(metavar="N", min=0, help="An int >= 0; another one is another film."),
    ] = 0,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, and no progress.")
    ] = False,
) -> None:
    """Count drawn people who cross a line. Needs no file, no download and no GPU.

    A film is drawn whose truth is known; a flow finds, follows and counts the people in it,
    and writes the video with boxes and counts. The exit code is 0 where it counted right, and
    1 where it did not.
    """
    from rich.console import Console  # slow: not for --version

    from videoflow.app.demo import Demo
    from videoflow.app.progress import show_progress
    from videoflow.app.working import show_working

    with exit_code(WRONG_INPUT), nullcontext() if as_json else show_working("starting"):
        film = Demo(out, seed=seed, seconds=seconds)
        flow = film.build()
        flow.run()
    progress = nullcontext() if as_json else show_progress(flow, Console(stderr=True))
    with exit_code(FAILED), stopped_by_sigterm(flow) as is_terminated, progress:
        flow.join()
    if is_terminated():
        raise typer.Exit(TERMINATED)
    result = film.result()
    print(json.dumps(result.as_json(), indent=2) if as_json else _page(result))
    if not result.is_right:
        raise typer.Exit(FAILED)


def _page(result: DemoResult) -> str:
    """Return for people what was counted, and what to do next."""
    counted, truth = result.counted, result.truth
    verdict = "counted right" if result.is_right else "counted wrong"
    rows = [
        f"{verdict:<15}{'in':>4}{'out':>5}",
        f"{'  counted':<15}{counted.into:>4}{counted.out_of:>5}",
        f"{'  true':<15}{truth.into:>4}{truth.out_of:>5}",
        "",
        *(f"{what + ':':<11}{path}" for what, path in result.files.items()),
        "",
        _ADVICE,
    ]
    return "\n".join(rows)
