"""The whole site, as the generator gets it."""

from __future__ import annotations

import os.path
import re
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import yaml

from docs.website.pages import all_pages, expand

ROOT = Path(__file__).parent.parent.parent


class _Loader(yaml.SafeLoader):
    """Reads the configuration without making the objects that it asks for."""


_Loader.add_multi_constructor("tag:yaml.org,2002:python/", lambda *_: None)


def configured() -> dict[str, Any]:
    """Return ``mkdocs.yml``."""
    config: dict[str, Any] = yaml.load((ROOT / "mkdocs.yml").read_text(), _Loader)
    return config


def named(nav: Any) -> list[str]:
    """Return all paths in a navigation, from first to last."""
    if isinstance(nav, str):
        return [nav]
    entries = nav.values() if isinstance(nav, dict) else nav
    return [path for entry in entries for path in named(entry)]


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    """Return all pages."""
    return all_pages(ROOT)


def test_the_navigation_names_every_written_page(pages: dict[str, str]) -> None:
    """What stands in docs/ is found, once, from everywhere; and what is named is there."""
    paths = named(expand(configured()["nav"], list(pages)))

    assert sorted(set(paths)) == sorted(paths)
    assert {page.name for page in (ROOT / "docs").glob("*.md")} <= set(paths)
    assert set(paths) <= set(pages)


def test_every_model_has_its_page(pages: dict[str, str]) -> None:
    """The table of the shelf leads to the card of each model."""
    for card in (ROOT / "models").glob("*/model.yaml"):
        assert f"]({card.parent.name}/index.md)" in pages["models/index.md"]
        assert f"models/{card.parent.name}/index.md" in pages


def test_examples_and_configs_are_pages(pages: dict[str, str]) -> None:
    """Each example and config is shown, and listed on the page of its folder."""
    for folder in ("examples", "configs"):
        for path in (ROOT / folder).iterdir():
            if not path.name.startswith((".", "_")):
                page = f"{path.name}/index.md" if path.is_dir() else f"{path.name}.md"
                assert f"]({page})" in pages[f"{folder}/index.md"]
                assert f"{folder}/{page}" in pages


def test_no_page_links_out_of_the_site(pages: dict[str, str]) -> None:
    """Each relative link leads to a page of the site, or to a picture beside the pages."""
    for path, text in pages.items():
        prose = re.sub(r"^(```+).*?^\1$", "", text, flags=re.M | re.S)
        for target in re.findall(r"\]\(([^)\s#:]+)[)#]", prose):
            site = os.path.normpath(PurePosixPath(path).parent / target)
            assert site in pages or (ROOT / "docs" / site).exists(), f"{path}: {target}"


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda p: p.stem)
def test_lists_and_tables_stand_alone(page: Path) -> None:
    """An empty line is before each list and table, as Python-Markdown wants it."""
    prose = re.sub(r"^(```+).*?^\1$", "", page.read_text(), flags=re.M | re.S)

    assert re.findall(r"^(?![-*|#<] ?|\d+\. )\S[^\n]*\n(?:[-*] |\|)[^\n]*", prose, re.M) == []


@pytest.mark.parametrize(
    ("nav", "wanted"),
    [
        pytest.param([], [], id="empty"),
        pytest.param(["a.md"], ["a.md"], id="path"),
        pytest.param(["x/*.md"], ["x/a.md", "x/a.b.md"], id="pattern"),
        pytest.param(["y/*.md"], [], id="nothing fits"),
        pytest.param(
            [{"One": [{"Two": ["x/*.md", "a.md"]}]}, {"Home": "a.md"}],
            [{"One": [{"Two": ["x/a.md", "x/a.b.md", "a.md"]}]}, {"Home": "a.md"}],
            id="sections",
        ),
    ],
)
def test_a_pattern_stands_for_pages(nav: list[object], wanted: list[object]) -> None:
    """A path with a star is every page that it fits, a package before its parts."""
    assert expand(nav, ["x/a.b.md", "x/index.md", "x/a.md", "a.md"]) == wanted


def test_the_site_fetches_nothing() -> None:
    """Fonts are those of the reader's system, and no script or style comes from elsewhere."""
    config = configured()

    assert config["theme"]["font"] is False
    assert not [path for path in config["extra_css"] if "://" in path]
    assert "extra_javascript" not in config
