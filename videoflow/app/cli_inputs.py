"""The inputs of a config as arguments and options of a command.

The first input without a default is an argument, every other one an option of its name:
``max_age: {default: 3}`` becomes ``--max-age``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from videoflow.app.cli_completion import completion_of
from videoflow.app.cli_usage import told_usage, usage_error
from videoflow.app.document import Document, read_document
from videoflow.errors import ConfigError

__all__ = ["Act", "command_of", "options_of", "read_arguments"]

Act = Callable[..., None]
"""What is done with a config: called with its path, settings, and its own options."""

_PANEL = "Inputs"


def command_of(name: str, config: Path, act: Act) -> Any:
    """Return a command that does ``act`` with one config; its inputs are its arguments.

    Raises:
        ConfigError: The file cannot be read.
    """
    document = read_document(config)
    inputs = _inputs_of(document)
    parameters = _parameters(inputs, is_complete=True)

    def call(**given: Any) -> None:
        settings = _taken(inputs, given)
        options = {key: value for key, value in given.items() if key in own}
        act(str(config), settings, **options)

    own = options_of(act)
    return _command(name, call, [*parameters, *own.values()], _lead_of(config))


def read_arguments(config: Path, arguments: Sequence[str]) -> dict[str, str | list[str]]:
    """Return what ``arguments`` say about the inputs of a config.

    Args:
        config: The YAML file.
        arguments: Such as ``["door.mp4", "--line", "0,5,9,5"]``.

    Raises:
        ConfigError: An argument that is none, or the file cannot be read.
    """
    document = read_document(config)
    inputs = _inputs_of(document)
    if not inputs:  # perhaps it is no config at all
        from videoflow.app.config import check_sections  # slow: only who asks

        check_sections(document)
    settings: dict[str, str | list[str]] = {}

    def call(**given: Any) -> None:
        settings.update(_taken(inputs, given))

    command = _command(config.stem, call, _parameters(inputs, is_complete=False), "")
    try:
        command.main(list(arguments), prog_name=config.stem, standalone_mode=False)
    except usage_error as error:
        told = told_usage(
            error, arguments, help=f"inputs: {', '.join(map(_option_name, inputs)) or 'none'}"
        )
        raise ConfigError(f"{config}: {told.message}", help=told.help) from error
    return settings


def options_of(act: Act) -> dict[str, inspect.Parameter]:
    """Return the options that ``act`` has of its own."""
    parameters = inspect.signature(act, eval_str=True).parameters.values()
    return {p.name: p for p in parameters if p.kind is p.KEYWORD_ONLY}


def _lead_of(config: Path) -> str:
    """Return the comment that a config begins with, up to the first empty line."""
    lines = []
    for line in config.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.removeprefix("#").removeprefix(" "))
    return "\n".join(lines)


def _inputs_of(document: Document) -> dict[str, Mapping[str, Any]]:
    """Return the inputs; what is wrong about them is told where the config is read."""
    declared = document.data.get("inputs") if isinstance(document.data, dict) else None
    if not isinstance(declared, dict):
        return {}
    return {
        str(name): about if isinstance(about, dict) else {} for name, about in declared.items()
    }


def _option_name(name: str) -> str:
    return "--" + name.replace("_", "-")


def _parameters(
    inputs: Mapping[str, Mapping[str, Any]], *, is_complete: bool
) -> list[inspect.Parameter]:
    """Return a parameter for each input; ``is_complete``: without a default it has to come."""
    first = next((name for name, about in inputs.items() if "default" not in about), None)
    found = []
    for number, (name, about) in enumerate(inputs.items()):
        is_required = is_complete and "default" not in about
        kind: Any = list[str] if about.get("many") else str
        example = about.get("example") or _words(about) or name.upper()
        default = about.get("default")
        text = str(about.get("help", "")) + (f" (default: {default})" if default else "")
        complete = completion_of(name, map(str, about.get("choices") or ()))
        if name == first:
            says: Any = typer.Argument(
                metavar=example, help=text, show_default=False, autocompletion=complete
            )
        else:
            says = typer.Option(
                _option_name(name),
                metavar=example,
                help=text,
                rich_help_panel=_PANEL,
                autocompletion=complete,
            )
        if not is_required:
            kind = kind | None
        found.append(
            inspect.Parameter(
                f"input_{number}",
                inspect.Parameter.KEYWORD_ONLY,
                default=inspect.Parameter.empty if is_required else None,
                annotation=Annotated[kind, says],
            )
        )
    return found


def _words(about: Mapping[str, Any]) -> str:
    """Return the words of a choice as they stand in a line of usage."""
    return "|".join(map(str, about.get("choices") or ()))


def _taken(inputs: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    values = ((name, given.get(f"input_{number}")) for number, name in enumerate(inputs))
    return {name: value for name, value in values if value is not None and value != ()}


def _command(
    name: str, call: Callable[..., None], parameters: Sequence[inspect.Parameter], text: str
) -> Any:
    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined] # for typer
    call.__annotations__ = {p.name: p.annotation for p in parameters}
    app = typer.Typer(add_completion=False, rich_markup_mode="markdown")
    app.command(name, help=text, short_help=text.partition("\n")[0])(call)
    return typer.main.get_command(app)
