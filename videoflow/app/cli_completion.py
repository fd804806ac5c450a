"""What a shell completes, beside commands, options and files."""

from __future__ import annotations

from collections.abc import Callable, Iterable

__all__ = ["complete_config", "complete_model", "completion_of"]

Complete = Callable[[str], list[str]]
"""Returns the words that begin with what stands there; if none does, a shell offers files."""


def complete_config(incomplete: str) -> list[str]:
    """Return the configs that come with Videoflow."""
    from videoflow.app.shipped import shipped_configs

    return _beginning(incomplete, shipped_configs())


def complete_model(incomplete: str) -> list[str]:
    """Return the models on the shelf."""
    from videoflow.nets.shelf import model_names

    return _beginning(incomplete, model_names())


def completion_of(name: str, words: Iterable[str]) -> Complete | None:
    """Return what completes an input of a config, or None where that is a file or free text.

    Args:
        name: Of the input.
        words: Its choices.
    """
    known = [*words] or (["auto", "cpu", "cuda", "cuda:0"] if name == "device" else [])
    if name == "model":
        return complete_model
    return (lambda incomplete: _beginning(incomplete, known)) if known else None


def _beginning(incomplete: str, words: Iterable[str]) -> list[str]:
    return [word for word in words if word.startswith(incomplete)]
