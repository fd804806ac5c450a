"""A notebook as Markdown: what is written, the code, and the output that is in the file."""

from __future__ import annotations

import json
import re
from typing import Any

__all__ = ["show_notebook"]

IMAGES = ("image/png", "image/jpeg")

_TABLE = re.compile(r"<table[^>]*>(.*)</table>", re.S)


def show_notebook(text: str) -> str:
    """Return the cells of a notebook as Markdown.

    Of the forms of an output an image is shown, else a table, else its text; pictures go into
    the page itself.

    Args:
        text: The content of an ``.ipynb`` file, of version 4.
    """
    parts = []
    for cell in json.loads(text)["cells"]:
        source = "".join(cell["source"]).strip()
        if cell["cell_type"] == "markdown":
            parts.append(source)
        elif cell["cell_type"] == "code" and source:
            parts.append(f"```python\n{source}\n```")
            parts += _shown_outputs(cell["outputs"])
    return "\n\n".join(parts) + "\n"


def _shown_outputs(outputs: list[dict[str, Any]]) -> list[str]:
    """Return what a cell put out; what it wrote piece by piece is one piece."""
    parts: list[str] = []
    written = ""
    for output in outputs:
        if output["output_type"] == "stream":
            written += "".join(output["text"])
        elif "data" in output:
            parts += [*_as_block(written), *_shown_data(output["data"])]
            written = ""
    return parts + _as_block(written)


def _shown_data(data: dict[str, Any]) -> list[str]:
    for kind in IMAGES:
        if kind in data:
            return [f'<img alt="" src="data:{kind};base64,{"".join(data[kind]).strip()}">']
    html = "".join(data.get("text/html", ""))
    table = _TABLE.search(html)
    if table:
        rows = "".join(line.strip() for line in table[1].splitlines())
        return [f"<table>{rows}</table>"]
    return _as_block("".join(data.get("text/plain", "")))


def _as_block(text: str) -> list[str]:
    return [f"```{{.text .output}}\n{text.rstrip()}\n```"] if text.strip() else []
