"""What somebody probably meant who wrote a word that there is not."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Final

from videoflow.errors import ConfigError

__all__ = ["unknown_word"]

_MOST_WORDS: Final = 12  # more are no help in the middle of a message


def unknown_word(kind: str, word: str, allowed: Iterable[str]) -> ConfigError:
    """Return the error for ``word``, with the nearest of ``allowed`` as its help.

    Args:
        kind: What the word should have been one of: ``"key"``, ``"input"``, ...
        word: What came.
        allowed: What could have come.
    """
    words = sorted(allowed)
    all_words = ", ".join(words)
    want = f"want one of {all_words}" if words else "want none"
    if len(words) > _MOST_WORDS:
        want = f"want one of the {len(words)} that there are"
    near = difflib.get_close_matches(word, words, n=1)
    help = f"did you mean {near[0]!r}?" if near else None
    if len(words) > _MOST_WORDS and not near:
        help = f"there are {all_words}"
    return ConfigError(f"got unknown {kind} {word!r}, {want}", help=help)
