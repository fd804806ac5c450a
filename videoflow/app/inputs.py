"""The inputs of a config: what may be set from outside, and where ``${name}`` stands for it.

``${name[0:2]}`` stands for the first two of a list, or of a text like ``0,360,1280,360``.

An input with ``choices`` takes one of these words. As a list they stand for themselves; as a
mapping each stands for its value, so that a word may choose, say, a node's type:

    tracker:
      default: bytetrack
      choices: {bytetrack: ByteTracker, sort: SortTracker}

An input with ``many: true`` may be set several times and is a list then. A folder with
``per_stream_of: source`` becomes one for each stream where that input names several.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from videoflow.app.document import Document, KeyPath
from videoflow.app.spelling import unknown_word
from videoflow.errors import ConfigError

__all__ = [
    "INPUT_KEYS",
    "SetText",
    "Settings",
    "explained",
    "parse_settings",
    "resolve_inputs",
    "substitute",
]

Settings = Mapping[str, str | Sequence[str]]
"""Input to the text that was set for it, or to all of them, in their order."""

INPUT_KEYS: Final = {
    "choices": (None, "the words that it may be, or a mapping from words to values"),
    "default": (None, "what it is if nobody says; without one it has to be said"),
    "example": ("string", "what stands for it in a line of usage"),
    "help": ("string", "what it is"),
    "many": ("boolean", "true where it may be said several times"),
    "per_stream_of": ("string", "of a folder: the input of which each stream gets its own"),
}
"""What can be said about an input: its type in JSON's words if it has one, and its meaning."""

_REFERENCE = re.compile(
    r"\$(?P<escape>\$)?\{(?P<name>[^}\[]*)(?P<part>\[(?P<first>\d*):(?P<last>\d*)\])?\}"
)


class SetText(str):
    """The text of a ``--set``, which becomes what the place where it is used wants.

    Attributes:
        setting: All that was set, ``name=value``, for messages.
    """

    __slots__ = ("setting",)

    setting: str

    def __new__(cls, text: str, setting: str) -> SetText:  # noqa: D102
        self = super().__new__(cls, text)
        self.setting = setting
        return self


def parse_settings(settings: Iterable[str]) -> dict[str, list[str]]:
    """Split ``name=value`` texts.

    Raises:
        ConfigError: A text without ``=``.

    Example:
        >>> parse_settings(["source=a.mp4", "line=0,5,9,5", "source=b.mp4"])
        {'source': ['a.mp4', 'b.mp4'], 'line': ['0,5,9,5']}
    """
    pairs: dict[str, list[str]] = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals or not name:
            raise ConfigError(
                f"--set: got {setting!r}, want name=value",
                help="for example: --set source=door.mp4",
            )
        pairs.setdefault(name, []).append(value)
    return pairs


def resolve_inputs(document: Document, settings: Settings) -> dict[str, Any]:
    """Return the value of every input: what was set, else its default.

    Of several texts for one input the last one counts, unless it takes many.

    Raises:
        ConfigError: An input that there is not, one without value and default, an empty text,
            or a word that is not among its choices.
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
            with explained(document, "inputs", name):
                values[name] = _set(name, settings[name], description)
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
    for name, description in declared.items():
        if "per_stream_of" in description:
            values[name] = _per_stream(document, values, name, description["per_stream_of"])
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


@contextmanager
def explained(document: Document, *key_path: str | int) -> Iterator[None]:
    """Put the place before an error's message, and what its inputs are where it has no help.

    Raises:
        ConfigError: Instead of any Videoflow error that is raised inside.
    """
    try:
        with document.at(*key_path):
            yield
    except ConfigError as error:
        if error.help is None:
            error.help = _meaning_of(document, key_path, error.message)
        raise


def _meaning_of(document: Document, key_path: KeyPath, message: str) -> str | None:
    """Return what the input is that a place is made of; of several, the one in ``message``."""
    place: Any = document.data
    for key in key_path:
        place = place[key]
    names = dict.fromkeys(found["name"] for found in _REFERENCE.finditer(str(place)))
    told = {name for name in names if f"{name}=" in message}
    if isinstance(place, dict):  # max_batch_size: ${batch}
        texts = {key: str(text) for key, text in place.items() if f" {key}=" in message}
        told |= {name for name in names for text in texts.values() if f"${{{name}}}" == text}
    meant = [name for name in names if len(names) == 1 or name in told]
    inputs = document.data.get("inputs") or {}
    return "; ".join(filter(None, (_told(name, inputs.get(name)) for name in meant))) or None


def _told(name: str, about: Any) -> str | None:
    if not isinstance(about, dict) or not about.get("help"):
        return None
    example = f" ({about['example']})" if about.get("example") else ""
    return f"{name}{example} is {about['help']}"


def _set(name: str, given: str | Sequence[str], description: Mapping[str, Any]) -> Any:
    texts = [given] if isinstance(given, str) else given
    if "" in texts:
        about = description.get("help")
        raise ConfigError(
            f"got nothing for {name!r}" + (f", want: {about}" if about else ""),
            help="a variable of the shell that is not set is one cause of an empty word",
        )
    if description.get("many") and len(texts) > 1:
        return list(texts)
    return SetText(texts[-1], f"{name}={texts[-1]}")


def _per_stream(document: Document, values: Mapping[str, Any], name: str, source: Any) -> Any:
    from videoflow.recipes.outputs import output_folder  # torch: only for who plays

    with document.at("inputs", name, "per_stream_of"):
        if source not in values:
            raise unknown_word("input", str(source), values)
    with document.at("inputs", source):
        return output_folder(values[name], values[source])


def _chosen(document: Document, name: str, word: Any, choices: Any) -> Any:
    """Return what ``word`` stands for."""
    if isinstance(choices, list):
        choices = {choice: choice for choice in choices if isinstance(choice, str)}
    with document.at("inputs", name, "choices"):
        if not isinstance(choices, dict) or not choices:
            raise ConfigError("want a list of words, or a mapping from words to values")
    if not isinstance(word, str) or word not in choices:
        error = unknown_word(name, str(word), choices)
        raise document.error(
            ("inputs", name),
            error.message,
            help=error.help or _told(name, document.data["inputs"][name]),
        )
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
        return SetText(",".join(value.split(",")[part]), value.setting)
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
            if key not in INPUT_KEYS:
                raise unknown_word("key", key, INPUT_KEYS)
