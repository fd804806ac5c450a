"""What the README, the documentation and the examples show is what happens."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clips import write_clip
from tests.flows.environment import HANG_SECONDS
from videoflow.app.config import read_config

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(page: Path, language: str) -> list[str]:
    """Return the code blocks of ``page`` in ``language``."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.M | re.S)


BLOCKS = [
    pytest.param(text, id=f"{page.stem}-{number}")
    for page in PAGES
    for number, text in enumerate(blocks(page, "python"), 1)
]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))

RUNNING_SUMS = "".join(f"{n * (n + 1) // 2}\n" for n in range(41))


def run(script: Path, *arguments: str, folder: Path) -> str:
    """Run ``script`` as a user would, beside a video ``door.mp4``; return what it prints."""
    write_clip(folder / "door.mp4", size_hw=(96, 128))
    done = subprocess.run(
        [sys.executable, str(script), *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def skip_without_weights(text: str, request: pytest.FixtureRequest) -> None:
    if "ObjectDetector" in text or "videoflow.recipes" in text:
        request.getfixturevalue("weights")


def check_promise(text: str, printed: str) -> None:
    """Compare what ``text`` printed with its comment ``# Prints:``, if it has one."""
    promised = re.search(r"^# Prints:\n((?:^# .*\n)+)", text, re.M)
    if promised:
        assert printed == re.sub(r"^# ", "", promised[1], flags=re.M)


@pytest.mark.parametrize("text", BLOCKS)
def test_a_block_of_a_page_runs(
    text: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """A reader may copy a block into a script as it stands, and sees what it promises."""
    skip_without_weights(text, request)
    script = tmp_path / "block.py"
    script.write_text(text)

    printed = run(script, folder=tmp_path)

    if "SumAggregator" in text:
        assert printed == RUNNING_SUMS
    check_promise(text, printed)


def test_the_config_of_the_readme_is_a_flow(tmp_path: Path) -> None:
    """A reader may copy the YAML block into a file, beside a video, and run it."""
    (text,) = blocks(ROOT / "README.md", "yaml")
    video = write_clip(tmp_path / "door.mp4")
    config = tmp_path / "people.yaml"
    config.write_text(text)

    flow = read_config(config, {"source": str(video)}).build()

    assert "batches of up to 8" in flow.explain()


@pytest.mark.parametrize("page", [pytest.param(page, id=page.stem) for page in PAGES])
def test_what_a_page_links_to_is_there(page: Path) -> None:
    """No link within the repository leads nowhere."""
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())

    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_the_index_lists_every_page() -> None:
    """What stands in the folder of the documentation can be found from its index."""
    linked = set(re.findall(r"\]\(([^)/]+\.md)\)", (ROOT / "docs" / "index.md").read_text()))

    assert linked | {"index.md"} == {page.name for page in PAGES[1:]}


@pytest.mark.parametrize("example", [pytest.param(e, id=e.stem) for e in EXAMPLES])
def test_an_example_runs(example: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """An example prints what its last comment says, if it says so."""
    text = example.read_text()
    skip_without_weights(text, request)

    printed = run(example, "door.mp4", folder=tmp_path)

    check_promise(text, printed)


def test_the_first_example_is_the_founding_sample(tmp_path: Path) -> None:
    """A first flow prints the running sums from 0 to 820, whole and in order."""
    assert run(ROOT / "examples" / "01_first_flow.py", folder=tmp_path) == RUNNING_SUMS


def test_the_readme_names_what_ci_runs() -> None:
    """The command that passes the tests is the one that the check of everything uses."""
    readme = (ROOT / "README.md").read_text()
    ci = (ROOT / ".ci" / "run").read_text()

    assert "pip install -e '.[dev]' && pytest\n" in readme
    assert "-e '.[dev]'\n" in ci
    assert "\npytest\n" in ci
