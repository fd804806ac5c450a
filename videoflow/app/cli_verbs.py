"""Commands made from configs: ``count-people``, and ``run``, ``explain``, ``bench``."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from videoflow.app.cli_completion import complete_config
from videoflow.app.cli_inputs import Act, command_of, options_of, read_arguments
from videoflow.app.cli_run import run_flow
from videoflow.app.exit_codes import WRONG_INPUT, exit_code
from videoflow.app.inputs import parse_settings
from videoflow.errors import ConfigError

__all__ = ["FOR_ANY_CONFIG", "VerbGroup", "WordGroup", "for_any_config"]

FOR_ANY_CONFIG = {"ignore_unknown_options": True, "allow_extra_args": True}
"""The settings of a command that leaves the words it does not know to its config."""

_PANEL = "Recipes (each is a config that comes with Videoflow)"

ConfigArgument = Annotated[
    str,
    typer.Argument(
        metavar="CONFIG",
        help="A YAML file, or the name of a shipped config.",
        autocompletion=complete_config,
    ),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Set an input of the config; repeatable."),
]


class WordGroup(TyperGroup):
    """A group of commands that answers a misspelt one."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command that ``args`` begin with; a misspelt one is answered."""
        from videoflow.app.spelling import unknown_word

        if self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            told = unknown_word("command", args[0], self.list_commands(ctx))
            raise ConfigError(told.message, help=told.help or f"{ctx.command_path} --help")
        return super().resolve_command(ctx, args)


class VerbGroup(WordGroup):
    """A group of commands to which each shipped config adds one, read when it is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of all commands."""
        return [*super().list_commands(ctx), *_shipped()]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return the command of that name, or None."""
        config = _shipped().get(cmd_name.replace("_", "-"))
        if config is None:
            return super().get_command(ctx, cmd_name)
        command = command_of(cmd_name, config, run_flow)
        command.rich_help_panel = _PANEL
        return command


def for_any_config(act: Act) -> Callable[..., None]:
    """Return ``act`` as a command whose first argument is a config, and the rest its inputs."""

    def call(ctx: typer.Context, config: str, settings: list[str] | None, **own: Any) -> None:
        from videoflow.app.shipped import find_config

        with exit_code(WRONG_INPUT):
            given = read_arguments(find_config(config), ctx.args) if ctx.args else {}
            both = parse_settings(settings or []) | given
        act(config, both, **own)

    one = inspect.Parameter
    head = [
        one("ctx", one.KEYWORD_ONLY, annotation=typer.Context),
        one("config", one.KEYWORD_ONLY, annotation=ConfigArgument),
        one("settings", one.KEYWORD_ONLY, default=None, annotation=SetOption),
    ]
    parameters = [*head, *options_of(act).values()]
    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined] # for typer
    call.__annotations__ = {p.name: p.annotation for p in parameters}
    call.__doc__ = act.__doc__
    return call


def _shipped() -> dict[str, Path]:
    from videoflow.app.shipped import shipped_configs

    return shipped_configs()
