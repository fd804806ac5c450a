"""One node of a config: its type, its parents and its arguments, checked but not made."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from videoflow.app.arguments import Argument, arguments_of, convert
from videoflow.app.document import Document, KeyPath
from videoflow.app.inputs import explained
from videoflow.app.node_types import find_node_class
from videoflow.app.spelling import unknown_word
from videoflow.core.node import Node, ProducerNode
from videoflow.errors import ConfigError
from videoflow.producers.video_reader import VideoReader

__all__ = ["NodeConfig", "convert_all", "read_node"]

_FRAME: Final = ("type", "from")
"""The keys of a node that are no arguments of its class."""


@dataclass(frozen=True, slots=True)
class NodeConfig:
    """One node.

    Attributes:
        name: Its key in the file.
        node_class: What to make.
        arguments: For the constructor, in the types that it wants.
        parents: Names of nodes, in the order of the inputs.
    """

    name: str
    node_class: type[Node]
    arguments: dict[str, Any]
    parents: tuple[str, ...]


def read_node(
    document: Document, name: str, body: Any, bodies: Mapping[str, Any]
) -> NodeConfig:
    """Check one node.

    Args:
        document: Where it stands.
        name: Its key.
        body: What stands there, inputs filled in.
        bodies: All nodes of the config, for the names of the parents.

    Raises:
        ConfigError: A wrong name, type, argument or parent.
    """
    here = ("nodes", name)
    with document.at(*here):
        if not re.fullmatch(r"[a-z][a-z0-9_-]*", name):
            raise ConfigError(
                f"got the name {name!r}, want lower case: a-z, 0-9, - and _",
                help="begin with a letter, and use the same name in from:",
            )
        if not isinstance(body, dict) or "type" not in body:
            raise ConfigError(
                "got no type, want type: and the arguments of that type",
                help="videoflow schema lists all types, or type: package.module:ClassName",
            )
    with document.at(*here, "type"):
        node_class = find_node_class(body["type"], folder=document.path.parent.resolve())
    takes = arguments_of(node_class)
    takes_name = takes.pop("name", None) is not None
    given = {key: value for key, value in body.items() if key not in _FRAME}
    arguments = convert_all(document, here, given, takes, others=_FRAME)
    if takes_name:
        arguments["name"] = name
    return NodeConfig(
        name, node_class, arguments, _read_parents(document, name, body, bodies, node_class)
    )


def convert_all(
    document: Document,
    here: KeyPath,
    given: Mapping[str, Any],
    takes: Mapping[str, Argument],
    *,
    others: Sequence[str] = (),
) -> dict[str, Any]:
    """Return ``given`` in the types of ``takes``.

    Args:
        document: Where it stands.
        here: In it.
        given: Key to value, inputs filled in.
        takes: What each key may be.
        others: Keys that may stand there too, for who misspelt one.

    Raises:
        ConfigError: A key that there is not, a value that does not fit, or a missing one.
    """
    converted = {}
    for key, value in given.items():
        with explained(document, *here, key):
            if key not in takes:
                raise unknown_word("key", key, [*takes, *others])
            converted[key] = convert(value, takes[key])
    for key, argument in takes.items():
        if argument.is_required and key not in given:
            raise document.error(here, f"got no {key!r}, want {key}: {argument.want}")
    return converted


def _read_parents(
    document: Document,
    name: str,
    body: Mapping[str, Any],
    bodies: Mapping[str, Any],
    node_class: type[Node],
) -> tuple[str, ...]:
    given = body.get("from", [])
    parents = [given] if isinstance(given, str) else given
    is_source = issubclass(node_class, ProducerNode | VideoReader)
    with document.at("nodes", name, *(["from"] if "from" in body else [])):
        if not isinstance(parents, list) or not all(isinstance(p, str) for p in parents):
            raise ConfigError(f"got {given!r}, want the name of a node, or a list of names")
        if is_source and parents:
            raise ConfigError(f"a {node_class.__name__} is a producer and takes no parents")
        if not is_source and not parents:
            raise ConfigError(
                f"got no parents, want from: and the node that this {node_class.__name__} "
                "gets its input from",
                help=f"other nodes here: {', '.join(key for key in bodies if key != name)}",
            )
        for parent in parents:
            if parent not in bodies:
                raise unknown_word("node", parent, [key for key in bodies if key != name])
    return tuple(parents)
