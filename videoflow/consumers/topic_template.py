"""Names of topics, and of what they hold of a record."""

from __future__ import annotations

import re
import string
from collections.abc import Mapping
from typing import Any

from videoflow.errors import GraphError, OutputError

__all__ = ["TopicTemplate"]


class TopicTemplate:
    """A topic with places for the fields of a record, such as ``people/{stream}/{line}``.

    Args:
        text: The topic; ``{{`` and ``}}`` stand for braces.
        unsafe: Pattern of the characters that may not stand in a field; each becomes ``_``,
            so that a stream's name cannot choose another topic.

    Raises:
        GraphError: A single brace, an empty topic, or a place without a name.
    """

    def __init__(self, text: str, *, unsafe: str) -> None:
        try:
            fields = [name for _, name, _, _ in string.Formatter().parse(text)]
        except ValueError as error:
            raise GraphError(f"topic {text!r}: {error}", help="write {{ and }}") from error
        if not text or not all(name is None or name.isidentifier() for name in fields):
            raise GraphError(f"topic: got {text!r}, want names only: 'people/{{stream}}'")
        self.text = text
        self._unsafe = unsafe

    def fill(self, record: Any) -> str:
        """Return the topic of ``record``.

        Raises:
            OutputError: The record has no such field.
        """
        fields = record if isinstance(record, Mapping) else {}
        safe = {key: re.sub(self._unsafe, "_", str(value)) for key, value in fields.items()}
        try:
            return self.text.format_map(safe)
        except KeyError as error:
            raise OutputError(
                f"topic {self.text!r}: got a record with {', '.join(safe) or 'no fields'}, "
                f"want {error.args[0]!r} in it",
                help="name fields that every record has",
            ) from error
