"""Notebooks as pages."""

from __future__ import annotations

import json
from typing import Any

import pytest

from docs.website.notebook_cells import show_notebook


def notebook(*outputs: dict[str, Any]) -> str:
    """Return a notebook with a title and one cell of code, which put out ``outputs``."""
    title = {"cell_type": "markdown", "source": ["# Title\n", "Text."]}
    code = {"cell_type": "code", "source": ["1 + 1"], "outputs": list(outputs)}
    return json.dumps({"cells": [title, code]})


def shown(**data: str) -> dict[str, Any]:
    """Return an output in the forms ``data``, whose names have ``_`` for ``/``."""
    forms = {kind.replace("_", "/"): [text] for kind, text in data.items()}
    return {"output_type": "display_data", "data": forms}


def written(text: str) -> dict[str, Any]:
    """Return what a cell printed."""
    return {"output_type": "stream", "text": [text]}


@pytest.mark.parametrize(
    ("outputs", "wanted"),
    [
        pytest.param([], "", id="none"),
        pytest.param([shown(text_plain="2")], "\n```{.text .output}\n2\n```\n", id="text"),
        pytest.param(
            [written("a\n"), written("b\n")],
            "\n```{.text .output}\na\nb\n```\n",
            id="in two pieces",
        ),
        pytest.param(
            [shown(image_png="aGk=\n", text_plain="<Figure>")],
            '\n<img alt="" src="data:image/png;base64,aGk=">\n',
            id="image",
        ),
        pytest.param(
            [shown(text_html='<table border="1">\n  <tr></tr>\n</table>', text_plain="x")],
            "\n<table><tr></tr></table>\n",
            id="table",
        ),
        pytest.param(
            [shown(text_html="<pre>bar</pre>", text_plain="bar")],
            "\n```{.text .output}\nbar\n```\n",
            id="other html",
        ),
        pytest.param([shown(text_html="<pre>bar</pre>")], "", id="nothing to show"),
    ],
)
def test_a_cell_is_its_code_and_its_output(outputs: list[dict[str, Any]], wanted: str) -> None:
    """Written text, code and the best form of each output follow each other."""
    page = show_notebook(notebook(*outputs))

    assert page == f"# Title\nText.\n\n```python\n1 + 1\n```\n{wanted}"
