"""What the README and the examples show is what happens."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clips import write_clip

ROOT = Path(__file__).parent.parent
BLOCKS = re.findall(r"^```python\n(.*?)^```", (ROOT / "README.md").read_text(), re.M | re.S)
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
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def skip_without_weights(text: str, request: pytest.FixtureRequest) -> None:
    if "ObjectDetector" in text:
        request.getfixturevalue("weights")


@pytest.mark.parametrize("text", BLOCKS, ids=lambda text: text.splitlines()[-1])
def test_a_block_of_the_readme_runs(
    text: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """A reader may copy a block into a script as it stands."""
    skip_without_weights(text, request)
    script = tmp_path / "block.py"
    script.write_text(text)

    printed = run(script, folder=tmp_path)

    if "SumAggregator" in text:
        assert printed == RUNNING_SUMS


@pytest.mark.parametrize("example", [pytest.param(e, id=e.stem) for e in EXAMPLES])
def test_an_example_runs(example: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """An example prints what its last comment says, if it says so."""
    text = example.read_text()
    skip_without_weights(text, request)

    printed = run(example, "door.mp4", folder=tmp_path)

    promised = re.search(r"^# Prints:\n((?:^# .*\n)+)", text, re.M)
    if promised:
        assert printed == re.sub(r"^# ", "", promised[1], flags=re.M)


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
