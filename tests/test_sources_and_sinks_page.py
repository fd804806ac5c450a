"""The tables of docs/sources-and-sinks.md have every node that reads or writes, as it is."""

from __future__ import annotations

import inspect
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from videoflow import consumers, core, producers
from videoflow.core import ConsumerNode, ProducerNode

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "sources-and-sinks.md").read_text()
SOURCES, SINKS = PAGE.split("\n## ")[1:3]


def rows(part: str) -> dict[str, list[str]]:
    """Return the cells of a table by the class that each row is of."""
    cells = ([cell.strip() for cell in line.split("|")[1:-1]] for line in part.splitlines())
    return {found[1]: row for row in cells if row and (found := re.match(r"`(\w+)`", row[0]))}


def nodes(kind: type, package: Any) -> dict[str, type]:
    """Return the public nodes of a kind, without the function's own base classes."""
    public = {name: getattr(package, name) for name in package.__all__}
    return {
        name: each
        for name, each in public.items()
        if isinstance(each, type) and issubclass(each, kind) and not inspect.isabstract(each)
    }


READERS = nodes(ProducerNode, producers) | nodes(ProducerNode, core)
WRITERS = nodes(ConsumerNode, consumers) | nodes(ConsumerNode, core)


def test_every_source_has_a_row() -> None:
    """A class has a row, and an old name a sentence; ``VideoReader`` chooses among them."""
    own_names = {each.__name__ for each in READERS.values()}

    assert set(rows(SOURCES)) == own_names | {"VideoReader"}
    assert all(f"`{name}`" in SOURCES for name in [*READERS, *producers.__all__])


def test_every_sink_has_a_row() -> None:
    """A class has a row, and an old name a sentence."""
    own_names = {each.__name__ for each in WRITERS.values()}

    assert set(rows(SINKS)) == own_names
    assert all(f"`{name}`" in SINKS for name in [*WRITERS, *consumers.__all__])


@pytest.mark.parametrize("name", sorted({each.__name__ for each in READERS.values()}))
def test_what_is_live_is_called_live(name: str) -> None:
    """The table says of each source what the planner is told."""
    assert rows(SOURCES)[name][2] == ("yes" if READERS[name].is_live else "no")  # type: ignore[attr-defined] # a producer


def test_extras_are_those_of_the_project() -> None:
    """What a sink needs can be installed."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = re.findall(r"videoflow\[(\w+)\]", SINKS)

    assert needed
    assert set(needed) <= set(project["optional-dependencies"])


def test_what_a_folder_of_images_may_hold_is_complete() -> None:
    """A format that is read is named."""
    doc = producers.ImageFolderReader.__doc__ or ""
    named = set(re.findall(r"JPEG|PNG|BMP|TIFF|WebP", doc))

    assert named == set(
        re.findall(r"JPEG|PNG|BMP|TIFF|WebP", rows(SOURCES)["ImageFolderReader"][1])
    )
