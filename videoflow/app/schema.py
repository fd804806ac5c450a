"""The JSON Schema of config files, for editors: made from what the node classes take."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

from pydantic import PydanticSchemaGenerationError, PydanticUserError, TypeAdapter

from videoflow.app.arguments import Argument, arguments_of
from videoflow.app.config import FLOW_KEYS
from videoflow.app.inputs import INPUT_KEYS
from videoflow.app.node_types import own_node_types
from videoflow.core.node import Node, ProducerNode
from videoflow.core.wiring import Streams

__all__ = ["config_schema"]

_REFERENCE: Final = {"type": "string", "pattern": r"\$\{[^}]+\}"}
_NAME_PATTERN: Final = "^[a-z][a-z0-9_-]*$"


def config_schema() -> dict[str, Any]:
    """Return a JSON Schema, draft 2020-12, that a config fits.

    A node of a type of ours may say what its class takes; one of another type anything. Every
    value may be a ``${reference}``.
    """
    types = {name: getattr(import_module(package), name) for name, package in _types()}
    kinds = [_if_type(name, node_class) for name, node_class in types.items()]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A flow of Videoflow as data",
        "type": "object",
        "required": ["nodes"],
        "additionalProperties": False,
        "properties": {
            "flow": {
                "type": ["object", "null"],
                "additionalProperties": False,
                "properties": {key: _value(argument) for key, argument in FLOW_KEYS.items()},
            },
            "inputs": {"type": ["object", "null"], "additionalProperties": _INPUT},
            "nodes": {
                "type": "object",
                "minProperties": 1,
                "propertyNames": {"pattern": _NAME_PATTERN},
                "additionalProperties": {
                    "type": "object",
                    "required": ["type"],
                    "properties": {"type": {"anyOf": [{"enum": sorted(types)}, _OWN_TYPE]}},
                    "allOf": kinds,
                },
            },
        },
    }


_OWN_TYPE: Final = {
    "type": "string",
    "pattern": r":|\$\{",
    "description": "package.module:ClassName, or ${input}",
}
_INPUT: Final = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        key: {"description": help} | ({"type": kind} if kind else {})
        for key, (kind, help) in INPUT_KEYS.items()
    },
}
_FROM: Final = {
    "description": "the node that this one takes input from, or several",
    "anyOf": [
        {"type": "string"},
        {"type": "array", "items": {"type": "string"}, "minItems": 1},
    ],
}


def _types() -> list[tuple[str, str]]:
    return sorted(own_node_types().items())


def _if_type(name: str, node_class: type[Node]) -> dict[str, Any]:
    takes = {key: one for key, one in arguments_of(node_class).items() if key != "name"}
    properties: dict[str, Any] = {key: _value(argument) for key, argument in takes.items()}
    required = [key for key, argument in takes.items() if argument.is_required]
    is_source = issubclass(node_class, ProducerNode | Streams) and node_class is not Streams
    if not is_source:
        properties["from"] = _FROM
        required.append("from")
    summary = (node_class.__doc__ or "").partition("\n")[0]
    return {
        "if": {"properties": {"type": {"const": name}}},
        "then": {
            "description": summary,
            "properties": {"type": True} | properties,
            "required": required,
            "additionalProperties": False,
        },
    }


def _value(argument: Argument) -> dict[str, Any]:
    """Return what a value may be: what its type says, or a reference to an input."""
    try:
        schema = TypeAdapter(argument.annotation).json_schema()
    except (PydanticSchemaGenerationError, PydanticUserError):  # the constructor decides
        return {"description": argument.want}
    if "$defs" in schema or not schema:  # a data class of its own: the loader tells more
        return {"description": argument.want}
    return {"description": argument.want, "anyOf": [schema, _REFERENCE]}
