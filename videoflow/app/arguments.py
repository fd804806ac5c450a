"""Does a value fit an argument? Asked of a node class before any node is made.

A value from YAML must have the argument's type as it stands (a list may become a tuple, an
int a float, a mapping a data class). A text from the command line is read as whatever the
argument wants.
"""

from __future__ import annotations

import inspect
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args, get_origin, get_type_hints

from pydantic import PydanticSchemaGenerationError, TypeAdapter, ValidationError

from videoflow.app.document import parse_scalar
from videoflow.app.inputs import SetText
from videoflow.core.node import Node, NodeOptions
from videoflow.errors import ConfigError

__all__ = ["Argument", "arguments_of", "convert"]

_BY_KEYWORD: Final = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


@dataclass(frozen=True, slots=True)
class Argument:
    """One thing that a node class can be told by keyword.

    Attributes:
        annotation: Its type; ``Any`` where nobody can tell.
        want: The type in words.
        is_required: It has no default.
    """

    annotation: Any
    want: str
    is_required: bool = False


def arguments_of(node_class: type[Node]) -> dict[str, Argument]:
    """Return what ``node_class`` can be told, the options of every node included.

    A constructor with ``**options`` is taken to hand them on to the next class upward.
    """
    found: dict[str, Argument] = {}
    for owner in node_class.__mro__:
        if owner is Node:
            hints = get_type_hints(NodeOptions)
            return {key: Argument(hint, _words(hint)) for key, hint in hints.items()} | found
        if "__init__" not in vars(owner):
            continue
        # Not the class's own signature: Node.__new__ takes anything.
        parameters = list(inspect.signature(vars(owner)["__init__"]).parameters.values())[1:]
        names = vars(sys.modules[owner.__module__])
        found = {
            p.name: _argument(p, names) for p in parameters if p.kind in _BY_KEYWORD
        } | found
        if not any(p.kind is p.VAR_KEYWORD for p in parameters):
            break
    return found


def convert(value: Any, argument: Argument) -> Any:
    """Return ``value`` as the argument's type.

    Raises:
        ConfigError: It does not fit.

    Example:
        >>> convert([0, 5, 9, 5], Argument(tuple[float, float, float, float], "4 numbers"))
        (0.0, 5.0, 9.0, 5.0)
        >>> convert(SetText("person,car", "classes"), Argument(list[str], "names"))
        ['person', 'car']
    """
    if argument.annotation is Any and isinstance(value, SetText):
        return parse_scalar(value)
    try:
        adapter = TypeAdapter(argument.annotation)
    except PydanticSchemaGenerationError:  # a type of its own: the constructor decides
        adapter = TypeAdapter(Any)
    for reading in _readings(value):
        try:
            # As JSON, because "strict" then means what a data format can say.
            return adapter.validate_json(json.dumps(reading), strict=True)
        except ValidationError:
            continue
    raise _does_not_fit(value, argument, adapter)


def _readings(value: Any) -> Iterator[Any]:
    """Yield what a value may mean, likeliest first."""
    if not isinstance(value, SetText):
        yield value
        return
    yield str(value)
    yield parse_scalar(value)
    yield [parse_scalar(part.strip()) for part in value.split(",")]
    yield value.split(",")


def _does_not_fit(value: Any, argument: Argument, adapter: TypeAdapter[Any]) -> ConfigError:
    if isinstance(value, SetText):
        return ConfigError(f"got {value.setting}, want {argument.want}")
    help = None
    if isinstance(value, str):
        try:
            adapter.validate_json(json.dumps(parse_scalar(value)), strict=True)
            help = "remove the quotes"
        except ValidationError:
            if argument.annotation is bool:
                help = "write true or false, without quotes"
    got = "null" if value is None else f"{value!r} ({type(value).__name__})"
    return ConfigError(f"got {got}, want {argument.want}", help=help)


def _argument(parameter: inspect.Parameter, names: dict[str, Any]) -> Argument:
    annotation = _evaluate(parameter.annotation, names)
    return Argument(annotation, _words(annotation), parameter.default is parameter.empty)


def _evaluate(annotation: Any, names: dict[str, Any]) -> Any:
    if annotation is inspect.Parameter.empty:
        return Any
    if not isinstance(annotation, str):
        return annotation
    try:
        return eval(annotation, names)  # as inspect.signature(eval_str=True) does, one by one
    except NameError:  # imported for the type checker only
        return Any


def _words(annotation: Any) -> str:
    if get_origin(annotation) is Literal:
        return "one of " + ", ".join(map(repr, get_args(annotation)))
    text = inspect.formatannotation(annotation)
    text = re.sub(r"\b(?:\w+\.)+(?=\w)", "", text)  # pathlib.Path -> Path
    return re.sub(r" \| None\b", " or null", text)
