"""From the ``type`` of a node in a config to its class.

A plain name is one of the package's own nodes; ``package.module:ClassName`` is anybody's.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from videoflow.app.spelling import unknown_word
from videoflow.core.node import Node
from videoflow.errors import ConfigError

__all__ = ["OLD_NAMES", "find_node_class", "own_node_types"]

_PACKAGES = (
    "videoflow.producers",
    "videoflow.processors",
    "videoflow.processors.aggregators",
    "videoflow.consumers",
)


OLD_NAMES: Final = frozenset({"VideofileReader", "VideofileWriter"})
"""Names of 2020 that still work, and that no message proposes."""


def own_node_types() -> dict[str, str]:
    """Return the name of every node that Videoflow has, and the package that offers it."""
    found = {"Streams": "videoflow.core"}
    for package in _PACKAGES:
        found |= dict.fromkeys(import_module(package).__all__, package)
    return found


def find_node_class(name: Any, *, folder: Path) -> type[Node]:
    """Return the class that ``name`` means; imports its module.

    Args:
        name: ``VideoFileReader`` or ``package.module:ClassName``.
        folder: The config's folder; modules beside the config are found too.

    Raises:
        ConfigError: There is no such class, or it is no node.
    """
    if not isinstance(name, str):
        raise ConfigError(f"got {name!r}, want the name of a node type")
    if ":" in name:
        return _find_foreign(name, folder)
    known = own_node_types()
    if name not in known:
        error = unknown_word("node type", name, known.keys() - OLD_NAMES)
        raise ConfigError(
            error.message, help=error.help or "your own: type: package.module:ClassName"
        )
    found: type[Node] = getattr(import_module(known[name]), name)
    return found


def _find_foreign(name: str, folder: Path) -> type[Node]:
    module_name, _, class_name = name.partition(":")
    # Stays: the workers of the flow need it too, and get the search path of this process.
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
    try:
        module = import_module(module_name)
    except ImportError as error:
        raise ConfigError(
            f"got node type {name!r}: {error}",
            help=f"a module must be installed, or lie in {folder}",
        ) from error
    if not hasattr(module, class_name):
        public = [key for key, value in vars(module).items() if isinstance(value, type)]
        raise unknown_word(f"name in {module_name}", class_name, public)
    found = getattr(module, class_name)
    if not (isinstance(found, type) and issubclass(found, Node)):
        raise ConfigError(f"got node type {name!r}, which is {found!r}, want a class of node")
    return found
