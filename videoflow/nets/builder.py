"""Code that is named as data: ``package.module:function``, in a card or as a model.

As a model, the function gets the device (``torch.device``) and returns one of two things. A
network (an ``nn.Module``) says in its attributes ``labels``, ``input`` (an ``InputContract``)
and ``output`` (an ``OutputContract``) what a card would say, and everything around it is done
for it. A detector (see ``nets.detector.Detector``) does everything itself, from frames to
detections.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeGuard

from videoflow.errors import ModelError

__all__ = ["check_builder", "find_function", "is_builder"]


def is_builder(model: str | Path) -> TypeGuard[str]:
    """Return whether ``model`` names a function, as ``package.module:function``."""
    return isinstance(model, str) and ":" in model and "/" not in model


def check_builder(model: str) -> None:
    """Refuse a function whose module is not there, without running the module.

    Raises:
        ModelError: No such module, or no name of this form.
    """
    module = _split(model)[0]
    try:
        is_there = importlib.util.find_spec(module) is not None
    except ImportError:
        is_there = False
    if not is_there:
        raise ModelError(
            f"model {model!r}: there is no module {module!r}",
            help="it must be installed, or lie in a folder of PYTHONPATH",
        )


def find_function(path: str, *, where: str) -> Callable[..., Any]:
    """Import ``package.module:function``.

    Args:
        path: What to import.
        where: Who names it, for messages.

    Raises:
        ModelError: It is not there.
    """
    module, name = _split(path)
    try:
        function: Callable[..., Any] = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ModelError(
            f"{where}: cannot find {path!r}: {error}",
            help="want 'package.module:function', importable in the worker",
        ) from error
    return function


def _split(path: str) -> tuple[str, str]:
    module, _, name = path.partition(":")
    if not all(part.isidentifier() for part in (*module.split("."), name)):
        raise ModelError(f"model: got {path!r}, want 'package.module:function'")
    return module, name
