"""A YAML file as plain values that know which line they stand in.

Knows YAML and key paths (``$.nodes.detect.classes[0]``), not what a flow is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from videoflow.errors import ConfigError, VideoflowError

__all__ = ["Document", "KeyPath", "parse_scalar", "read_document"]

KeyPath = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """What a YAML file says, and where.

    Attributes:
        path: The file, as the user named it.
        data: Mappings, lists, strings, numbers, booleans and None.
        lines: Key path to line number, from 1.
    """

    path: Path
    data: Any = field(repr=False)
    lines: dict[KeyPath, int] = field(repr=False)

    def error(self, key_path: KeyPath, message: str, *, help: str | None = None) -> ConfigError:
        """Return an error that says the file, the line and the key path before ``message``."""
        known = next(
            path
            for path in (key_path[:n] for n in range(len(key_path), -1, -1))
            if path in self.lines
        )
        where = f"{self.path}:{self.lines[known]}, {_dotted(key_path)}"
        return ConfigError(f"{where}: {message}", help=help)

    @contextmanager
    def at(self, *key_path: str | int) -> Iterator[None]:
        """Put the place before the message of any Videoflow error that is raised inside."""
        try:
            yield
        except VideoflowError as error:
            raise self.error(key_path, error.message, help=error.help) from error


def read_document(path: Path) -> Document:
    """Read a YAML file by the core schema of YAML 1.2: ``no`` is a word, ``1e3`` a number.

    Raises:
        ConfigError: It cannot be read, is no YAML, or has the same key twice in one place.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"{path}: {error.strerror}", help="give the path of a YAML file that you may read"
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{path}: got bytes that are not UTF-8, want a YAML file",
            help="the config comes first, then what it reads: videoflow run CONFIG VIDEO",
        ) from error
    lines: dict[KeyPath, int] = {(): 1}
    try:
        loader = _CoreLoader(text)
        root = loader.get_single_node()
        if root is None:
            return Document(path, None, lines)
        _note_lines(path, root, (), lines)
        return Document(path, loader.construct_document(root), lines)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError(
            f"{path}:{line}: got {error.problem or error.context}, want YAML",
            help=_way_out(str(error.problem)),
        ) from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: got {error}, want YAML") from error
    except RecursionError as error:
        raise ConfigError(f"{path}: an alias holds itself") from error


def _way_out(problem: str) -> str:
    if "\\t" in problem:
        return "indent with spaces, not with tabs"
    return "a value with ': ', '#', '{' or '*' in it needs quotes, and a quote its end"


def parse_scalar(text: str) -> Any:
    """Return ``text`` as YAML would read it unquoted, if it is a single plain value.

    Example:
        >>> parse_scalar("8"), parse_scalar("null"), parse_scalar("door: open")
        (8, None, 'door: open')
    """
    loader = _CoreLoader("")
    tag = loader.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call] # stub
    return loader.construct_object(yaml.ScalarNode(tag, text))


class _CoreLoader(yaml.SafeLoader):
    """PyYAML's safe loader with the scalars of YAML 1.2.

    Source: YAML 1.2.2, chapter 10.3 (core schema), without octal numbers and infinities.
    """

    yaml_implicit_resolvers = {}  # noqa: RUF012 - PyYAML's own way: one table per class


for _tag, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?(0|[1-9][0-9]*)", list("-+0123456789")),
    (
        "float",
        r"[-+]?([0-9]*\.[0-9]+|[0-9]+\.|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?",
        list("-+.0123456789"),
    ),
):
    _CoreLoader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})$"), _first
    )


def _note_lines(
    path: Path, node: yaml.Node, key_path: KeyPath, lines: dict[KeyPath, int]
) -> None:
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            lines[*key_path, index] = item.start_mark.line + 1
            _note_lines(path, item, (*key_path, index), lines)
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                raise ConfigError(
                    f"{path}:{line}: got a key that is no word",
                    help="write a name before the colon",
                )
            child = (*key_path, str(key.value))
            if child in lines:
                raise ConfigError(
                    f"{path}:{line}, {_dotted(child)}: got the key a second time, "
                    f"first in line {lines[child]}",
                    help="take one of them away",
                )
            lines[child] = line
            _note_lines(path, value, child, lines)


def _dotted(key_path: KeyPath) -> str:
    return "$" + "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in key_path)
