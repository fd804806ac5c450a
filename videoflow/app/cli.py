"""The command line: ``videoflow run CONFIG --set name=value``, ``doctor``, ``eval``, ...

Exit codes: 0 done, 1 the flow failed, 2 the input was wrong and nothing was started,
130 stopped by Ctrl-C, 143 stopped by SIGTERM.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from videoflow import __version__
from videoflow.app.cli_demo import demo
from videoflow.app.cli_eval import eval_app
from videoflow.app.cli_models import models_app
from videoflow.app.exit_codes import FAILED, WRONG_INPUT, exit_code
from videoflow.app.termination import TERMINATED, stopped_by_sigterm

if TYPE_CHECKING:
    from videoflow.core.flow import Flow

__all__ = ["app", "main"]


class Placement(StrEnum):
    """Which nodes share a worker."""

    AUTO = "auto"
    PROCESS = "process"
    FUSED = "fused"


app = typer.Typer(
    name="videoflow",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
app.command()(demo)
app.add_typer(models_app, name="models")
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

    with exit_code(WRONG_INPUT, traceback):
        flow = _load(config, settings, placement)
        flow.run()
    terminal = Console(stderr=True)
    with exit_code(FAILED, traceback), stopped_by_sigterm(flow) as is_terminated:
        try:
            with nullcontext() if quiet else show_progress(flow, terminal):
                flow.join()
        finally:
            if not quiet and not flow.is_running:
                print_report(flow.report, Console())
    if is_terminated():
        raise typer.Exit(TERMINATED)


@app.command()
def explain(
    config: ConfigArgument,
    settings: SetOption = None,
    placement: PlacementOption = None,
    traceback: TracebackOption = False,
) -> None:
    """Print the plan of a flow: workers, nodes, devices, tickets. Starts nothing."""
    with exit_code(WRONG_INPUT, traceback):
        print(_load(config, settings, placement).explain())


@app.command()
def doctor(
    is_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Show GPUs, decoders and libraries, and what to do about what is missing.

    The exit code is 1 where a GPU is there and does not decode, and 0 otherwise.
    """
    from videoflow.app.doctor import as_json, describe, diagnose

    diagnosis = diagnose()
    print(as_json(diagnosis) if is_json else "\n".join(describe(diagnosis)))
    if not diagnosis.is_well:
        raise typer.Exit(FAILED)


def _load(config: str, settings: list[str] | None, placement: Placement | None) -> Flow:
    from videoflow.app.config import read_config  # slow: not for --version
    from videoflow.app.inputs import parse_settings
    from videoflow.app.shipped import find_config

    checked = read_config(find_config(config), parse_settings(settings or []))
    return checked.build(placement=placement)
