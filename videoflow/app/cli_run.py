"""What the command line does with a config: run it, explain it, measure it."""

from __future__ import annotations

import tempfile
from contextlib import AbstractContextManager, ExitStack, nullcontext
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from videoflow.app.exit_codes import FAILED, WRONG_INPUT, exit_code
from videoflow.app.inputs import Settings
from videoflow.app.termination import TERMINATED, stopped_by_sigterm
from videoflow.errors import NodeError

if TYPE_CHECKING:
    from videoflow.core.flow import Flow

__all__ = ["bench_flow", "explain_flow", "run_flow"]


class Placement(StrEnum):
    """Which nodes share a worker."""

    AUTO = "auto"
    PROCESS = "process"
    FUSED = "fused"


PlacementOption = Annotated[
    Placement | None, typer.Option(help="Which nodes share a worker, instead of the config's.")
]
TracebackOption = Annotated[
    bool, typer.Option("--traceback", help="Show the traceback of a node that failed.")
]
QuietOption = Annotated[
    bool, typer.Option("--quiet", help="No progress and no report, only errors.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Form = Literal["plan", "text", "mermaid", "svg"]
FormOption = Annotated[
    Form,
    typer.Option(
        "--format",
        help="The plan and a drawing, or a drawing alone: as text, for Markdown, for a page.",
    ),
]
SecondsOption = Annotated[
    float,
    typer.Option(
        min=0.1,
        max=86400,
        help="For how long, 0.1 to 86400 s (a day), unless the source ends before.",
    ),
]


def run_flow(  # noqa: PLR0913 - the options of a command
    config: str,
    settings: Settings,
    *,
    placement: PlacementOption = None,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
    traceback: TracebackOption = False,
) -> None:
    """Run a flow to its end and report.

    What a config can be told stands in it under `inputs`: the first one without a default
    follows the config, the others are options of their names. `--set NAME=VALUE` says the
    same. What `explain` prints for the same words is how the flow would run.

    A config that comes with Videoflow is a command of its own, with a `--help` of its own:
    `videoflow count-people door.mp4` is `videoflow run count_people door.mp4`.

    Count the people who cross a line in a video, then a config of your own:

        videoflow run count_people door.mp4 --out counted

        videoflow run people.yaml --set source=door.mp4
    """
    from rich.console import Console  # slow: not for --version

    from videoflow.app.progress import show_progress
    from videoflow.app.report import json_of, print_report

    is_silent = quiet or as_json
    terminal = Console(stderr=True)
    with exit_code(WRONG_INPUT, traceback), nullcontext() if is_silent else _starting():
        flow = _load(config, settings, placement)
        flow.run()
    with exit_code(FAILED, traceback), stopped_by_sigterm(flow) as is_terminated:
        has_begun = True
        try:
            with nullcontext() if is_silent else show_progress(flow, terminal):
                flow.join()
        except NodeError as error:
            has_begun = not error.is_wrong_input
            raise
        finally:
            if not has_begun or flow.is_running:
                pass
            elif as_json:
                print(json_of(flow.report))
            elif not quiet:
                print_report(flow.report, Console())
    if is_terminated():
        raise typer.Exit(TERMINATED)


def explain_flow(  # noqa: PLR0913 - the options of a command
    config: str,
    settings: Settings,
    *,
    placement: PlacementOption = None,
    form: FormOption = "plan",
    as_json: JsonOption = False,
    traceback: TracebackOption = False,
) -> None:
    """Print the plan of a flow: nodes, workers, devices, tickets. Starts nothing.

    The words are those of `run`. The plan of a flow, and a picture of it:

        videoflow explain count_people door.mp4

        videoflow explain count_people door.mp4 --format svg > flow.svg

        videoflow explain count_people door.mp4 --json
    """
    with exit_code(WRONG_INPUT, traceback):
        with _starting():
            flow = _load(config, settings, placement)
            if as_json:
                from videoflow.app.plan_json import PlanAsJson

                pages = [flow.explain(PlanAsJson())]
            elif form == "plan":
                pages = [flow.draw(), flow.explain()]
            else:
                pages = [flow.draw(form)]
        print(*pages, sep="\n\n")


def bench_flow(  # noqa: PLR0913 - the options of a command
    config: str,
    settings: Settings,
    *,
    seconds: SecondsOption = 20.0,
    placement: PlacementOption = None,
    as_json: JsonOption = False,
    traceback: TracebackOption = False,
) -> None:
    """Run a flow for some seconds and tell how fast it is and what holds it up.

    The words are those of `run`. Where `--out` is not said, what the flow writes goes to a
    folder that is removed afterwards.

        videoflow bench count_people door.mp4 --seconds 20

        videoflow bench count_people door.mp4 --batch 16 --json
    """
    from rich.console import Console  # slow: not for --version

    from videoflow.app.bench import describe, json_of, measure
    from videoflow.app.progress import show_progress

    with ExitStack() as stack:
        is_shown = Console(stderr=True).is_terminal and not as_json
        with exit_code(WRONG_INPUT, traceback):
            scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="videoflow-"))
            with _starting() if is_shown else nullcontext():
                flow = _load(config, _written_to(config, settings, scratch), placement)
                flow.run()
        progress = show_progress(flow, Console(stderr=True)) if is_shown else nullcontext()
        with exit_code(FAILED, traceback), progress:
            measured = measure(flow, seconds)
    print(json_of(measured) if as_json else describe(measured))


def _starting() -> AbstractContextManager[None]:
    from videoflow.app.working import show_working

    return show_working("starting")


def _written_to(config: str, settings: Settings, folder: str) -> Settings:
    """Return ``settings`` with an output folder, where the config has one that is not set."""
    from videoflow.app.document import read_document
    from videoflow.app.shipped import find_config

    data = read_document(find_config(config)).data
    inputs = data.get("inputs") if isinstance(data, dict) else None
    folders = {
        name: str(Path(folder) / name)
        for name, about in (inputs if isinstance(inputs, dict) else {}).items()
        if isinstance(about, dict) and "per_stream_of" in about
    }
    return {**folders, **settings}


def _load(config: str, settings: Settings, placement: Placement | None) -> Flow:
    from videoflow.app.config import read_config  # slow: not for --version
    from videoflow.app.shipped import find_config

    return read_config(find_config(config), settings).build(placement=placement)
