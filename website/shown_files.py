"""A file or folder of the repository as a page: its code, its cells, or what lies in it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from website.notebook_cells import show_notebook

__all__ = ["show"]

LANGUAGES = {".json": "json", ".py": "python", ".sh": "bash", ".toml": "toml", ".yaml": "yaml"}


def show(path: Path) -> str:
    """Return a page that shows ``path``, as Markdown.

    Args:
        path: A folder, or a file with text.

    Raises:
        UnicodeDecodeError: The file holds no text.
    """
    if path.is_dir():
        readme = path / "README.md"
        return readme.read_text() if readme.exists() else _show_folder(path)
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        return text
    if path.suffix == ".ipynb":
        return show_notebook(text)
    lead = _lead(path, text)
    fence = "`" * max(3, *(len(ticks) + 1 for ticks in re.findall("`+", text + "`")))
    language = LANGUAGES.get(path.suffix, "text")
    title = lead.partition(":")[0] if path.suffix == ".py" and lead else f"`{path.name}`"
    return (
        f'# {title.rstrip(".")}\n\n{fence}{language} title="{path.name}"\n{text.rstrip()}\n{fence}\n'
    )


def _show_folder(folder: Path) -> str:
    lines = [f"# `{folder.name}/`", ""]
    for path in sorted(folder.iterdir()):
        if path.name.startswith((".", "_")):
            continue
        lead = "" if path.is_dir() else _lead(path, path.read_text(encoding="utf-8"))
        lines.append(f"- [`{path.name}`]({path.name})" + (f": {lead}" if lead else ""))
    return "\n".join(lines) + "\n"


def _lead(path: Path, text: str) -> str:
    """Return the first line of what a file says about itself, without the marks around it."""
    if path.suffix == ".py":
        return (ast.get_docstring(ast.parse(text)) or "").partition("\n")[0]
    if path.suffix == ".ipynb":
        text = show_notebook(text)
    first = text.partition("\n")[0]
    return first.lstrip("# ") if first.startswith("#") else ""
