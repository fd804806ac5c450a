"""A file or folder of the repository as a page: its code, its cells, or what lies in it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from docs.website.notebook_cells import show_notebook

__all__ = ["show"]

LANGUAGES = {".json": "json", ".py": "python", ".toml": "toml", ".yaml": "yaml"}


def show(path: Path) -> str:
    """Return a page that shows ``path``, as Markdown.

    Args:
        path: A folder, or a file with text.

    Raises:
        ValueError: The file holds no text.
    """
    if path.is_dir():
        readme = path / "README.md"
        return readme.read_text() if readme.exists() else _show_folder(path)
    text = _text(path)
    if text is None:
        raise ValueError(f"{path}: got no text, so no page can show it; link to its folder")
    if path.suffix == ".md":
        return text
    if path.suffix == ".ipynb":
        return show_notebook(text)
    lead = _lead(path, text)
    fence = "`" * max(3, *(len(ticks) + 1 for ticks in re.findall("`+", text + "`")))
    language = LANGUAGES.get(path.suffix, "text")
    title = lead.partition(":")[0] if path.suffix == ".py" and lead else f"`{path.name}`"
    block = f'{fence}{language} title="{path.name}"\n{text.rstrip()}\n{fence}'
    return f"# {title.rstrip('.')}\n\n{block}\n"


def _show_folder(folder: Path) -> str:
    lines = [f"# `{folder.name}/`", ""]
    for path in sorted(folder.iterdir()):
        if path.name.startswith((".", "_")):
            continue
        text = "" if path.is_dir() else _text(path)
        if text is None:
            lines.append(f"- `{path.name}`")
            continue
        lead = _lead(path, text)
        lines.append(f"- [`{path.name}`]({path.name})" + (f": {lead}" if lead else ""))
    return "\n".join(lines) + "\n"


def _text(file: Path) -> str | None:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


def _lead(path: Path, text: str) -> str:
    """Return the first line of what a file says about itself, without the marks around it."""
    if path.suffix == ".py":
        return (ast.get_docstring(ast.parse(text)) or "").partition("\n")[0]
    if path.suffix == ".ipynb":
        text = show_notebook(text)
    first = text.partition("\n")[0]
    return first.lstrip("# ") if first.startswith("#") else ""
