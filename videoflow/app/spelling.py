"""What somebody probably meant who wrote a word that there is not."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from videoflow.errors import ConfigError

__all__ = ["unknown_word"]


def unknown_word(kind: str, word: str, allowed: Iterable[str]) -> ConfigError:
    """Return the error for ``word``, with the nearest of ``allowed`` as its help.

    Args:
        kind: What the word should have been one of: ``"key"``, ``"input"``, ...
        word: What came.
        allowed: What could have come.
    """
    words = sorted(allowed)
    want = f"want one of {', '.join(words)}" if words else "want none"
    near = difflib.get_close_matches(word, words, n=1)
    return ConfigError(
        f"got unknown {kind} {word!r}, {want}",
        help=f"did you mean {near[0]!r}?" if near else None,
    )
