"""Where the site shows a file or folder of the repository, and links that lead there.

A link in a page leads to a file of the repository, so that it works where the repository is
browsed. On the site it leads to the page that shows the same.
"""

from __future__ import annotations

import os.path
import re
from pathlib import Path, PurePosixPath

__all__ = ["PICTURES", "place", "site_links"]

PICTURES = {".gif", ".jpg", ".png", ".svg", ".webp"}

_FENCED = re.compile(r"^(```+)[^`\n]*\n.*?^\1$", re.M | re.S)
_LINK = re.compile(r"(?<=\]\()([^)\s#:]+)(?=[)#])")


def place(source: PurePosixPath, *, root: Path) -> PurePosixPath:
    """Return the path of the page, or of the picture, that shows ``source``.

    Args:
        source: A file or a folder, relative to the repository.
        root: The folder of the repository.
    """
    if source.parts[:1] == ("docs",):
        return source.relative_to("docs")
    if (root / source).is_dir():
        return source / "index.md"
    if source.name == "README.md":
        return source.parent / "index.md"
    if len(source.parts) == 1:
        return PurePosixPath(source.stem.lower() + ".md")
    return source.with_name(source.name.removesuffix(".md") + ".md")


def site_links(
    text: str, source: PurePosixPath, *, root: Path
) -> tuple[str, list[PurePosixPath]]:
    """Return ``text`` with its links led to pages of the site, and the sources of those pages.

    A link to what is not there stays as it is, for the generator to refuse.

    Args:
        text: Markdown.
        source: Where it comes from: the file, or the folder that it lists.
        root: The folder of the repository.
    """
    folder = source if (root / source).is_dir() else source.parent
    page = place(source, root=root)
    linked: list[PurePosixPath] = []

    def lead(link: re.Match[str]) -> str:
        target = PurePosixPath(os.path.normpath(folder / link[0]))
        if target.parts[:1] == ("..",) or not (root / target).exists():
            return link[0]
        linked.append(target)
        return os.path.relpath(place(target, root=root), page.parent)

    parts = []
    end = 0
    for fence in _FENCED.finditer(text):
        parts += [_LINK.sub(lead, text[end : fence.start()]), fence[0]]
        end = fence.end()
    return "".join([*parts, _LINK.sub(lead, text[end:])]), linked
