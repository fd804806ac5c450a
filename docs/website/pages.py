"""All pages of the site: those that are written, and those that show something else."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from docs.website.command_pages import commands_page
from docs.website.models_table import models_page
from docs.website.places import PICTURES, place, site_links
from docs.website.reference_pages import reference_pages
from docs.website.shown_files import show

__all__ = ["all_pages", "expand"]

SHOWN = ("CHANGELOG.md", "LICENSE", "examples", "configs", "models")


def all_pages(root: Path) -> dict[str, str]:
    """Return the path and the Markdown of each page, with links within the site.

    Args:
        root: The folder of the repository.
    """
    made = {"models": models_page(), "reference/commands.md": commands_page()}
    made |= reference_pages(root)
    pages: dict[str, str] = {}
    written = [path.relative_to(root).as_posix() for path in sorted(root.glob("docs/*.md"))]
    todo = [PurePosixPath(source) for source in (*written, *SHOWN, *made)]
    while todo:  # what is shown links to more
        source = todo.pop(0)
        page = str(place(source, root=root))
        if page in pages or source.suffix in PICTURES:
            continue
        text = made[str(source)] if str(source) in made else show(root / source)
        pages[page], linked = site_links(text, source, root=root)
        todo += linked
    return pages


def expand(nav: list[object], pages: list[str]) -> list[object]:
    """Return a navigation with the pages that its patterns stand for, sorted, in their places.

    Args:
        nav: As in ``mkdocs.yml``: paths, and sections with a name; a path may hold ``*``,
            which stands for any page but the first one of a folder.
        pages: The paths of all pages.
    """
    found: list[object] = []
    for entry in nav:
        if isinstance(entry, dict):
            found.append(
                {
                    name: expand(within, pages) if isinstance(within, list) else within
                    for name, within in entry.items()
                }
            )
        elif isinstance(entry, str) and "*" in entry:
            fits = [page for page in pages if PurePosixPath(page).match(entry)]
            listed = [page for page in fits if PurePosixPath(page).name != "index.md"]
            listed.sort(key=lambda page: page.removesuffix(".md"))  # a package, then its parts
            found += listed
        else:
            found.append(entry)
    return found
