"""Links of the repository, led to pages of the site."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

from docs.website.places import place, site_links

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize(
    ("source", "page"),
    [
        pytest.param("docs/gpu.md", "gpu.md", id="page"),
        pytest.param("docs/people-counting-flow.svg", "people-counting-flow.svg", id="picture"),
        pytest.param("README.md", "index.md", id="readme"),
        pytest.param("CHANGELOG.md", "changelog.md", id="file at the root"),
        pytest.param("LICENSE", "license.md", id="file without an ending"),
        pytest.param("configs/count_people.yaml", "configs/count_people.yaml.md", id="config"),
        pytest.param("examples", "examples/index.md", id="folder"),
        pytest.param("models/yolox_s/README.md", "models/yolox_s/index.md", id="card"),
    ],
)
def test_each_kind_of_file_has_its_place(source: str, page: str) -> None:
    """A file is shown where its name tells, and a README stands for its folder."""
    assert place(PurePosixPath(source), root=ROOT) == PurePosixPath(page)


@pytest.mark.parametrize(
    ("source", "text", "wanted"),
    [
        pytest.param("docs/gpu.md", "no link", "no link", id="none"),
        pytest.param("docs/gpu.md", "[a](demo.md#x)", "[a](demo.md#x)", id="beside it"),
        pytest.param(
            "docs/gpu.md",
            "[a](../configs) and [b](../README.md#set-up)",
            "[a](configs/index.md) and [b](index.md#set-up)",
            id="two outside",
        ),
        pytest.param(
            "models/yolox_s/README.md",
            "[a](../../docs/add-a-model.md)",
            "[a](../../add-a-model.md)",
            id="from a card",
        ),
        pytest.param("examples", "[a](../LICENSE)", "[a](../license.md)", id="from a folder"),
        pytest.param(
            "docs/gpu.md",
            "[a](https://example.org/x.md), [b](#there), [c](nowhere.md), [d](../../x.md)",
            "[a](https://example.org/x.md), [b](#there), [c](nowhere.md), [d](../../x.md)",
            id="elsewhere and nowhere",
        ),
        pytest.param(
            "docs/gpu.md",
            "```md\n[a](../LICENSE)\n```\n[a](../LICENSE)",
            "```md\n[a](../LICENSE)\n```\n[a](license.md)",
            id="in a block",
        ),
    ],
)
def test_a_link_leads_to_the_page_of_its_file(source: str, text: str, wanted: str) -> None:
    """A link goes to what the site shows; what is not there stays, for the build to refuse."""
    led, _ = site_links(text, PurePosixPath(source), root=ROOT)

    assert led == wanted


def test_the_files_behind_links_are_named() -> None:
    """What a page links to is known, so that it gets a page too."""
    text = "[a](../configs/count_people.yaml), [b](nowhere.md)"

    _, linked = site_links(text, PurePosixPath("docs/gpu.md"), root=ROOT)

    assert linked == [PurePosixPath("configs/count_people.yaml")]
