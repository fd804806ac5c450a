"""Names in code type that lead to the reference."""

from __future__ import annotations

from pathlib import Path

import pytest

markdown = pytest.importorskip("markdown", reason="of the extra docs")

ROOT = Path(__file__).parent.parent.parent

REFERENCE = '<autoref identifier="videoflow.core.Flow"><code>Flow</code></autoref>'


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        pytest.param("`Flow`, a", f"<p>{REFERENCE}, a</p>", id="name"),
        pytest.param("`Flow` `Flow`", f"<p>{REFERENCE} {REFERENCE}</p>", id="two names"),
        pytest.param("`Nothing`", "<p><code>Nothing</code></p>", id="no public name"),
        pytest.param("Flow", "<p>Flow</p>", id="no code type"),
        pytest.param("# `Flow`", "<h1><code>Flow</code></h1>", id="heading"),
        pytest.param("[`Flow`](x)", '<p><a href="x"><code>Flow</code></a></p>', id="link"),
    ],
)
def test_a_public_name_is_a_reference(text: str, wanted: str) -> None:
    """A name leads to its page once it is alone in code type, and not a link already."""
    from docs.website.linked_names import LinkedNames

    assert markdown.markdown(text, extensions=[LinkedNames(root=str(ROOT))]) == wanted
