"""The command line for who begins: ``videoflow new script | config``, ``videoflow schema``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from videoflow.app.cli_verbs import WordGroup
from videoflow.app.exit_codes import WRONG_INPUT, exit_code

__all__ = ["new_app", "schema"]

new_app = typer.Typer(
    cls=WordGroup, no_args_is_help=True, help="Write a commented file to begin with."
)

PathArgument = Annotated[Path, typer.Argument(metavar="PATH", help="Of the new file.")]


@new_app.command()
def script(path: PathArgument) -> None:
    """Write a Python script that counts people and has a node of its own.

    videoflow new script flow.py && python flow.py door.mp4
    """
    _write("script", path, f"python {path} VIDEO")


@new_app.command()
def config(path: PathArgument) -> None:
    """Write a config that follows people, with inputs for the command line.

    videoflow new config flow.yaml && videoflow run flow.yaml door.mp4
    """
    _write("config", path, f"videoflow run {path} VIDEO")


def schema(
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The file to write; else it is printed.")
    ] = None,
) -> None:
    """Print the JSON Schema of configs, with which editors complete and check them.

    The first line of a config tells the editor (its YAML language server):

        # yaml-language-server: $schema=videoflow.json

        videoflow schema --out videoflow.json
    """
    import json

    from videoflow.app.schema import config_schema  # slow: not for --version
    from videoflow.errors import OutputError

    text = json.dumps(config_schema(), indent=2)
    if out is None:
        print(text)
        return
    with exit_code(WRONG_INPUT):
        try:
            out.write_text(text + "\n", encoding="utf-8")
        except OSError as error:
            raise OutputError(
                f"{out}: cannot be written: {error.strerror}",
                help="choose a path in a folder that is there and that you may write to",
            ) from error


def _write(kind: str, path: Path, command: str) -> None:
    from videoflow.app.starters import write_starter

    with exit_code(WRONG_INPUT):
        write_starter("script" if kind == "script" else "config", path)
    print(f"{path} is written; run it: {command}")
