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
from typing import Any, Literal, get_args, get_origin, get_type_hints

from pydantic import PydanticSchemaGenerationError, TypeAdapter, ValidationError

from videoflow.app.document import parse_scalar
from videoflow.app.inputs import SetText
from videoflow.core.node import Node, NodeOptions
from videoflow.errors import ConfigError

__all__ = ["Argument", "arguments_of", "convert"]


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
    """Return what ``node_class`` can be told, the options of every node included."""
    # Not the class's own signature: Node.__new__ takes anything.
    init = node_class.__init__
    names = vars(sys.modules[init.__module__])
    found: dict[str, Argument] = {}
    for parameter in list(inspect.signature(init).parameters.values())[1:]:
        if parameter.kind is parameter.VAR_KEYWORD:
            hints = get_type_hints(NodeOptions)
            found |= {key: Argument(hint, _words(hint)) for key, hint in hints.items()}
        elif parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            annotation = _evaluate(parameter.annotation, names)
            is_required = parameter.default is parameter.empty
            found[parameter.name] = Argument(annotation, _words(annotation), is_required)
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
    if argument.annotation is Any:
        return parse_scalar(value) if isinstance(value, SetText) else value
    try:
        adapter = TypeAdapter(argument.annotation)
    except PydanticSchemaGenerationError:  # a type of its own: the constructor decides
        return value
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
        return ConfigError(f"got --set {value.input_name}={value}, want {argument.want}")
    help = None
    if isinstance(value, str):
        try:
            adapter.validate_json(json.dumps(parse_scalar(value)), strict=True)
            help = "remove the quotes"
        except ValidationError:
            pass
    got = "null" if value is None else f"{value!r} ({type(value).__name__})"
    return ConfigError(f"got {got}, want {argument.want}", help=help)


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
