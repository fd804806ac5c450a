"""Names that a package offers without importing their modules until somebody asks.

A node of a video flow brings torch, a node of a flow of ints does not: whoever imports the
second must not wait for the first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

__all__ = ["lazy_exports"]


def lazy_exports(package: str, modules: Mapping[str, str]) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of a package that imports a name when it is first used.

    Args:
        package: The package's ``__name__``.
        modules: Public name to the module that defines it, relative to the package.

    Returns:
        A function for the package's ``__getattr__`` (PEP 562).

    Example:
        >>> from videoflow.exports import lazy_exports
        >>> lazy_exports("json", {"JSONDecoder": "decoder"})("JSONDecoder")
        <class 'json.decoder.JSONDecoder'>
    """

    def get(name: str) -> Any:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.{modules[name]}"), name)

    return get
