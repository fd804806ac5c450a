"""The command line as a page, from what each command says about itself with ``--help``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer

from videoflow.app.cli import app

__all__ = ["commands_page"]

HEAD = """# Commands

What each command says with `--help`;
[The command line](../docs/command-line.md) tells how they are used.

"""


def commands_page() -> str:
    """Return all commands, each with its arguments and options, as Markdown."""
    return HEAD + "\n\n".join(_command(typer.main.get_command(app), "videoflow", None)) + "\n"


def _command(command: Any, path: str, parent: Any) -> Iterator[str]:
    """Yield the paragraphs about a command, then those about the commands in it."""
    context = typer.Context(command, info_name=path.rpartition(" ")[2], parent=parent)
    yield f"{'#' * (2 + path.count(' '))} `{path}`"
    yield command.help or ""
    yield f"```console\n$ {path} {' '.join(command.collect_usage_pieces(context))}\n```"
    records = [parameter.get_help_record(context) for parameter in command.get_params(context)]
    yield _table([record for record in records if record])
    within = command.list_commands(context) if hasattr(command, "list_commands") else []
    for name in within:
        yield from _command(command.get_command(context, name), f"{path} {name}", context)


def _table(records: list[tuple[str, str]]) -> str:
    rows = [
        f"| `{_cell(name)}` | {_cell(text).replace('<', '&lt;')} |" for name, text in records
    ]
    return "\n".join(["| | |", "|---|---|", *rows])


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
