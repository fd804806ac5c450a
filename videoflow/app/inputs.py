"""The inputs of a config: what may be set from outside, and where ``${name}`` stands for it.

``${name[0:2]}`` stands for the first two of a list, or of a text like ``0,360,1280,360``.

An input with ``choices`` takes one of these words. As a list they stand for themselves; as a
mapping each stands for its value, so that a word may choose, say, a node's type:

    tracker:
      default: bytetrack
      choices: {bytetrack: ByteTracker, sort: SortTracker}
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from videoflow.app.document import Document, KeyPath
from videoflow.app.spelling import unknown_word
from videoflow.errors import ConfigError

__all__ = ["SetText", "parse_settings", "resolve_inputs", "substitute"]

_INPUT_KEYS = ("choices", "default", "help")
_REFERENCE = re.compile(
    r"\$(?P<escape>\$)?\{(?P<name>[^}\[]*)(?P<part>\[(?P<first>\d*):(?P<last>\d*)\])?\}"
)


class SetText(str):
    """The text of a ``--set``, which becomes what the place where it is used wants.

    Attributes:
        setting: All that was set, ``name=value``, for messages.
        about: What the config says of the input, or None.
    """

    __slots__ = ("about", "setting")

    setting: str
    about: str | None

    def __new__(cls, text: str, setting: str, about: str | None = None) -> SetText:  # noqa: D102
        self = super().__new__(cls, text)
        self.setting = setting
        self.about = about
        return self


def parse_settings(settings: Iterable[str]) -> dict[str, str]:
    """Split ``name=value`` texts; of the same name the last one counts.

    Raises:
        ConfigError: A text without ``=``.

    Example:
        >>> parse_settings(["out=here", "line=0,5,9,5"])
        {'out': 'here', 'line': '0,5,9,5'}
    """
    pairs = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals or not name:
            raise ConfigError(
                f"--set: got {setting!r}, want name=value",
                help="for example: --set source=door.mp4",
            )
        pairs[name] = value
    return pairs


def resolve_inputs(document: Document, settings: Mapping[str, str]) -> dict[str, Any]:
    """Return the value of every input: what was set, else its default.

    Raises:
        ConfigError: An input that there is not, one without value and default, or a word that
            is not among its choices.
    """
    declared: dict[str, Any] = document.data.get("inputs") or {}
    for name in settings:
        if name not in declared:
            error = unknown_word("input", name, declared)
            raise ConfigError(f"{document.path}: --set: {error.message}", help=error.help)
    values: dict[str, Any] = {}
    for name, description in declared.items():
        _check_description(document, name, description)
        if name in settings:
            setting = f"{name}={settings[name]}"
            values[name] = SetText(settings[name], setting, description.get("help"))
        elif "default" in description:
            values[name] = description["default"]
        else:
            about = description.get("help")
            raise document.error(
                ("inputs", name),
                f"got no value for {name!r}" + (f", want: {about}" if about else ""),
                help=f"add --set {name}=...",
            )
        if "choices" in description:
            values[name] = _chosen(document, name, values[name], description["choices"])
    return values


def substitute(
    document: Document, value: Any, key_path: KeyPath, inputs: Mapping[str, Any]
) -> Any:
    """Return ``value`` with each ``${name}`` in it replaced by the input of that name.

    A value that is ``${name}`` and nothing else keeps the input's type; inside a longer text
    the input becomes text. ``$${`` stands for ``${`` itself.

    Raises:
        ConfigError: The name of no input, or nothing (null) in the middle of a text.
    """
    if isinstance(value, dict):
        return {k: substitute(document, v, (*key_path, k), inputs) for k, v in value.items()}
    if isinstance(value, list):
        return [substitute(document, v, (*key_path, i), inputs) for i, v in enumerate(value)]
    if not isinstance(value, str):
        return value
    with document.at(*key_path):
        whole = _REFERENCE.fullmatch(value)
        if whole and not whole["escape"]:
            return _look_up(whole, inputs)
        return _REFERENCE.sub(lambda found: _as_text(found, inputs), value)


def _chosen(document: Document, name: str, word: Any, choices: Any) -> Any:
    """Return what ``word`` stands for."""
    if isinstance(choices, list):
        choices = {choice: choice for choice in choices if isinstance(choice, str)}
    with document.at("inputs", name, "choices"):
        if not isinstance(choices, dict) or not choices:
            raise ConfigError("want a list of words, or a mapping from words to values")
    with document.at("inputs", name):
        if not isinstance(word, str) or word not in choices:
            raise unknown_word(name, str(word), choices)
    return choices[word]


def _look_up(found: re.Match[str], inputs: Mapping[str, Any]) -> Any:
    name = found["name"]
    if name not in inputs:
        raise unknown_word("input", name, inputs)
    value = inputs[name]
    if not found["part"] or value is None:
        return value
    part = slice(int(found["first"] or 0), int(found["last"]) if found["last"] else None)
    if isinstance(value, SetText):
        return SetText(",".join(value.split(",")[part]), value.setting, value.about)
    if not isinstance(value, list):
        raise ConfigError(f"input {name!r} is {value!r}, want a list to take a part of")
    return value[part]


def _as_text(found: re.Match[str], inputs: Mapping[str, Any]) -> str:
    if found["escape"]:
        return found[0][1:]
    value = _look_up(found, inputs)
    if value is None:
        raise ConfigError(
            f"input {found['name']!r} is null and cannot be part of a text",
            help=f"add --set {found['name']}=... or give it a default",
        )
    return str(value)


def _check_description(document: Document, name: str, description: Any) -> None:
    with document.at("inputs", name):
        if not isinstance(description, dict):
            raise ConfigError(
                f"got {description!r}, want a mapping with help and default",
                help=f"{name}: {{default: {description}}}",
            )
    for key in description:
        with document.at("inputs", name, key):
            if key not in _INPUT_KEYS:
                raise unknown_word("key", key, _INPUT_KEYS)
