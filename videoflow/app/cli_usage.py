"""Words that fit no command, told as everything else that is wrong."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import typer

from videoflow.app.spelling import unknown_word
from videoflow.errors import ConfigError

__all__ = ["told_usage", "usage_error"]

usage_error: Any = typer.BadParameter.__base__
"""What typer raises for words that fit no command, whichever library it keeps it in."""


def told_usage(error: Any, words: Sequence[str], *, help: str | None = None) -> ConfigError:
    """Return in our own form what typer says about words that fit no command.

    Args:
        error: A ``usage_error``.
        words: All that was said; typer does not say which of them it means.
        help: Where nothing better is known, instead of the command's ``--help``.
    """
    command = error.ctx.command_path if error.ctx else f"videoflow {words[0]}"
    told = _told(error, words)
    return ConfigError(told.message, help=told.help or help or f"{command} --help")


def _told(error: Any, words: Sequence[str]) -> ConfigError:
    text = error.format_message().rstrip(".")
    option = getattr(error, "option_name", None)
    parameter = getattr(error, "param", None)
    if hasattr(error, "possibilities"):
        every = [word for one in error.ctx.command.params for word in one.opts]
        return unknown_word("option", str(option), [word for word in every if word[:1] == "-"])
    if option is not None and "not take" in text:
        return ConfigError(f"got a value for {option}, want {option} alone")
    if option is not None:
        return ConfigError(f"got nothing after {option}, want a value")
    if extra := re.search(r"extra arguments?(?:\(s\))? \((.*)\)$", text):
        return ConfigError(f"got {extra[1]!r}, want no more words")
    if parameter is None:
        return ConfigError(text)
    name = parameter.opts[0] if parameter.opts[0][:1] == "-" else parameter.metavar
    if type(error).__name__ == "MissingParameter":
        return ConfigError(f"got no {name}, want: {parameter.help}")
    if choice := re.search(r"'([^']*)' is not one of (.*)", text):
        return unknown_word(name, choice[1], re.findall(r"'([^']*)'", choice[2]))
    return ConfigError(f"got {name} {_said(parameter.opts, words)}, want: {parameter.help}")


def _said(options: Sequence[str], words: Sequence[str]) -> str:
    """Return the last value that ``words`` give an option."""
    found = ""
    for index, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name in options:
            found = value if equals else " ".join(words[index + 1 : index + 2])
    return repr(found)
