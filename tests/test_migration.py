"""What docs/migrating-from-2020.md promises of names, and of its script, is so."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from videoflow.consumers import VideoFileWriter
from videoflow.core import Flow
from videoflow.producers import WalkersProducer
from videoflow.video.probe import probe

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "migrating-from-2020.md").read_text()
DOTTED = re.compile(r"`(videoflow(?:\.\w+)+)")


class Row(NamedTuple):
    """A line of one of the tables of names."""

    old: str
    new: str
    remark: str

    @property
    def names(self) -> list[str]:
        """What the row sends its reader to."""
        return DOTTED.findall(self.new + self.remark)

    @property
    def is_same(self) -> bool:
        return self.new == "the same"


def rows() -> list[Row]:
    """Return all rows between the headings of names and of behaviour."""
    part = PAGE.partition("\n## Names\n")[2].partition("\n## ")[0]
    cells = [line.strip("|").split("|") for line in part.splitlines() if line[:2] == "| "]
    found = [Row(*(cell.strip() for cell in row)) for row in cells]
    return [row for row in found if row.old != "2020"]


def is_there(dotted: str) -> bool:
    """Return whether ``dotted`` can be imported: a module, a name in it, or a part of that."""
    parts = dotted.split(".")
    for end in range(len(parts), 0, -1):
        try:
            found: object = importlib.import_module(".".join(parts[:end]))
        except ModuleNotFoundError:
            continue
        for name in parts[end:]:
            found = getattr(found, name, None)
        return found is not None
    return False


ROWS = [pytest.param(row, id=row.old[:60]) for row in rows()]


@pytest.mark.parametrize("row", ROWS)
def test_a_new_name_exists(row: Row) -> None:
    """Who follows the table can import what it names."""
    assert [name for name in row.names if not is_there(name)] == []


@pytest.mark.parametrize("row", ROWS)
def test_a_row_says_what_became_of_the_old_name(row: Row) -> None:
    """An old name is there where the row says so, and not where it is said to be gone."""
    old = DOTTED.findall(row.old)
    is_answered = row.is_same or row.new.startswith(("gone", "`"))

    assert is_answered
    if row.is_same:
        assert [name for name in old if not is_there(name)] == []
    elif not DOTTED.search(row.new):
        assert [name for name in old if is_there(name)] == []


@pytest.mark.parametrize("alias", ["VideofileReader", "VideofileWriter"])
def test_a_name_that_is_said_to_work_still_works(alias: str) -> None:
    """The two classes with a new spelling can be imported by the old one."""
    (row,) = (row for row in rows() if f".{alias}`" in row.old)

    assert "the old name still works" in row.remark
    assert is_there(*DOTTED.findall(row.old))


def test_the_models_that_stand_in_are_on_the_shelf() -> None:
    """A model that the page names can be had by this name."""
    named = set(re.findall(r"ObjectDetector\(\"(\w+)\"", PAGE))

    assert named
    assert {model for model in named if not (ROOT / "models" / model).is_dir()} == set()


def test_the_new_script_follows_people(tmp_path: Path) -> None:
    """The script of the page does its work on a film in which there is something to find."""
    (script,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.M | re.S)
    script = script.replace('"yolox_nano", classes=["car"]', '"hog_walkers"')
    (tmp_path / "script.py").write_text(script)
    walkers = WalkersProducer(seconds=4, fps=5)
    writer = VideoFileWriter(tmp_path / "door.mp4")(walkers)
    Flow([walkers], [writer], flow_type="batch").run().join()

    done = subprocess.run(
        [sys.executable, "script.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    counts = [int(line.rsplit(": ", 1)[1]) for line in done.stdout.splitlines()]
    assert len(counts) == 20
    assert max(counts) > 0
    assert probe(tmp_path / "output.mp4").num_frames == 20
