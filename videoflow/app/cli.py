"""The command line: ``videoflow count-people VIDEO``, ``run CONFIG``, ``doctor``, ``eval``, ...

Exit codes: 0 done, 1 the flow failed, 2 what was given was wrong (words, files, places to
write to), 130 stopped by Ctrl-C, 141 nobody reads the output any more, 143 stopped by SIGTERM.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from io import TextIOWrapper
from typing import Annotated

import typer

from videoflow import __version__
from videoflow.app.cli_demo import demo
from videoflow.app.cli_eval import eval_app
from videoflow.app.cli_models import models_app
from videoflow.app.cli_new import new_app, schema
from videoflow.app.cli_run import bench_flow, explain_flow, run_flow
from videoflow.app.cli_usage import told_usage, usage_error
from videoflow.app.cli_verbs import FOR_ANY_CONFIG, VerbGroup, for_any_config
from videoflow.app.exit_codes import FAILED, UNREAD, WRONG_INPUT, exit_code, forget_unprinted

__all__ = ["app", "main"]

app = typer.Typer(
    name="videoflow",
    cls=VerbGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
app.command("run", context_settings=FOR_ANY_CONFIG)(for_any_config(run_flow))
app.command("explain", context_settings=FOR_ANY_CONFIG)(for_any_config(explain_flow))
app.command("bench", context_settings=FOR_ANY_CONFIG)(for_any_config(bench_flow))
app.command()(demo)
app.command()(schema)
app.add_typer(new_app, name="new")
app.add_typer(models_app, name="models")
app.add_typer(eval_app, name="eval")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Args:
        arguments: Without the program's name; None for those of the process.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal without our signs
    code: object = 0
    try:
        with exit_code(WRONG_INPUT):
            code = _call(words)
            print(end="", flush=True)  # here, where a full disk can be told
    except SystemExit as exit:
        # typer leaves with 1 where nobody reads any more, and keeps the cause.
        code = UNREAD if isinstance(exit.__context__, BrokenPipeError) else exit.code
        forget_unprinted()
    return code if isinstance(code, int) else int(bool(code))


def _call(words: list[str]) -> object:
    try:
        return app(words, prog_name="videoflow", standalone_mode=False)
    except usage_error as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            error.show()
            return WRONG_INPUT
        raise told_usage(error, words) from error


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
def doctor(
    is_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Show GPUs, decoders and libraries, and what to do about what is missing.

    The exit code is 1 where a GPU is there and does not decode, and 0 otherwise.

        videoflow doctor --json
    """
    from videoflow.app.doctor import as_json, describe, diagnose
    from videoflow.app.working import show_working

    with show_working("looking at GPUs, decoders and libraries"):
        diagnosis = diagnose()
    print(as_json(diagnosis) if is_json else "\n".join(describe(diagnosis)))
    if not diagnosis.is_well:
        raise typer.Exit(FAILED)
