"""A griffe extension: sections of docstrings whose names griffe does not know are shown too."""

from __future__ import annotations

import re
from typing import Any

from griffe import Extension, Object

__all__ = ["DocstringSections"]

KNOWN = {"Example": "Examples", "Keys": "Attributes"}
"""Our name of a section, and griffe's."""

_SECTION = re.compile(rf"^({'|'.join(KNOWN)}):$", re.M)


class DocstringSections(Extension):
    """Give our sections the names under which griffe reads them."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        """Change the docstring of an object, before it is parsed."""
        if obj.docstring:
            text = obj.docstring.value
            obj.docstring.value = _SECTION.sub(lambda name: f"{KNOWN[name[1]]}:", text)
