"""A Markdown extension: a public class that is named in code type leads to its reference."""

from __future__ import annotations

import xml.etree.ElementTree as etree
from functools import cache
from pathlib import Path

from markdown import Markdown
from markdown.extensions import Extension
from markdown.treeprocessors import Treeprocessor

from docs.website.reference_pages import identifiers

__all__ = ["LinkedNames", "makeExtension"]

HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}


class LinkedNames(Extension):
    """Wrap each public name in a reference, which mkdocs-autorefs resolves.

    Args:
        root: The folder of the repository.
    """

    def __init__(self, *, root: str = ".") -> None:
        super().__init__()
        self._root = Path(root)

    def extendMarkdown(self, md: Markdown) -> None:
        """Add the step that makes the links, after those that make the elements."""
        md.treeprocessors.register(_Linker(md, _identifiers(self._root)), "linked_names", 5)


class _Linker(Treeprocessor):
    def __init__(self, md: Markdown, names: dict[str, str]) -> None:
        super().__init__(md)
        self._names = names

    def run(self, root: etree.Element) -> None:
        """Wrap the names in ``root``, but not those in headings and links."""
        for index, child in enumerate(root):
            if child.tag == "code" and (child.text or "") in self._names:
                root[index] = self._reference(child)
            elif child.tag not in HEADINGS | {"a", "autoref"}:
                self.run(child)

    def _reference(self, code: etree.Element) -> etree.Element:
        name = code.text or ""
        reference = etree.Element("autoref", identifier=self._names[name])
        reference.tail, code.tail = code.tail, None
        reference.append(code)
        return reference


@cache  # each page has a Markdown of its own
def _identifiers(root: Path) -> dict[str, str]:
    return identifiers(root)


def makeExtension(**options: str) -> LinkedNames:
    """Return the extension; Markdown asks for it by this name."""
    return LinkedNames(**options)
