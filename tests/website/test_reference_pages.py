"""The reference: what is public has its place in it."""

from __future__ import annotations

import ast
import re
from importlib import import_module
from pathlib import Path

import pytest

from docs.website.reference_pages import identifiers, public_modules, reference_pages
from tests.snippets import PAGES, snippets

ROOT = Path(__file__).parent.parent.parent
PUBLIC = public_modules(ROOT)
EXAMPLES = [path.read_text() for path in sorted((ROOT / "examples").glob("*.*"))]
BLOCKS = [snippet.text for page in PAGES for snippet in snippets(page, "python")]


def test_every_package_with_names_has_a_page() -> None:
    """A new package is in the reference by itself."""
    pages = reference_pages(ROOT)

    for module in ("core", "data", "processors", "producers", "consumers", "recipes", "nets"):
        assert f"reference/videoflow.{module}.md" in pages
        assert f"(videoflow.{module}.md)" in pages["reference/index.md"]
    assert set(PUBLIC) == {Path(page).stem for page in pages} - {"index"}


def test_what_readers_import_is_in_the_reference() -> None:
    """A name that a page or an example imports from somewhere can be looked up there."""
    shown = {one for modules in PUBLIC.values() for one in modules}
    imported = {
        module
        for text in (*EXAMPLES, *BLOCKS)
        for module in re.findall(r"^(?: *\")?from (videoflow[\w.]+) import", text, re.M)
    }

    assert "videoflow.core" in imported
    assert imported <= shown


@pytest.mark.parametrize(
    "module", [pytest.param(m, id=m) for ms in PUBLIC.values() for m in ms]
)
def test_every_public_value_says_what_it_is(module: str) -> None:
    """The reference shows what has a docstring, so each public name has one."""
    names = set(import_module(module).__all__)
    file = ROOT.joinpath(*module.split("."))
    files = sorted(file.glob("*.py")) if file.is_dir() else [file.with_suffix(".py")]

    silent = {name for path in files for name in silent_values(path.read_text())}

    assert not names & silent


def silent_values(text: str) -> set[str]:
    """Return the values of a module that no docstring follows."""
    body = ast.parse(text).body
    found = set()
    for node, behind in zip(body, [*body[1:], None], strict=True):
        target = (
            node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        )
        is_told = isinstance(behind, ast.Expr) and isinstance(behind.value, ast.Constant)
        if isinstance(target, ast.Name) and not is_told:
            found.add(target.id)
    return found


def test_an_identifier_is_where_users_import_it() -> None:
    """A class is described under the package that hands it on."""
    found = identifiers(ROOT)

    assert found["ObjectDetector"] == "videoflow.processors.ObjectDetector"
    assert found["Flow"] == "videoflow.core.Flow"
    assert found["Style"] == "videoflow.vision.style.Style"
