"""What the README, the documentation and the examples show is what happens."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.flows.environment import HANG_SECONDS
from tests.shell import execute, furnish
from tests.snippets import PAGES, ROOT, Snippet, num_blocks, num_fences, snippets
from videoflow.app.config import read_config
from videoflow.nets.card import load_card

LANGUAGES = {"bash", "python", "text", "yaml"}
EVERY_PAGE = pytest.mark.parametrize("page", [pytest.param(p, id=p.stem) for p in PAGES])
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
WITH_COMMANDS = [page for page in PAGES if snippets(page, "bash")]

RUNNING_SUMS = "".join(f"{n * (n + 1) // 2}\n" for n in range(41))


def in_language(language: str) -> pytest.MarkDecorator:
    """Run a test with each snippet of a language that no page calls a file of its commands."""
    found = [one for page in PAGES for one in snippets(page, language)]
    return pytest.mark.parametrize("snippet", [pytest.param(one, id=one.id) for one in found])


def run(script: Path, *arguments: str, folder: Path) -> str:
    """Run ``script`` as a user would, beside a video ``door.mp4``; return what it prints."""
    furnish(folder)
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
    """Let the models of ``text`` be found; a card on the shelf with its weights needs none."""
    if re.search(r"ObjectDetector\(|videoflow\.recipes|-people|_people|models fetch", text):
        request.getfixturevalue("weights")


def check_promise(text: str, printed: str) -> None:
    """Compare what ``text`` printed with its comment ``# Prints:``, if it has one."""
    promised = re.search(r"^# Prints:\n((?:^# .*\n)+)", text, re.M)
    if promised:
        assert printed == re.sub(r"^# ", "", promised[1], flags=re.M)


def check_promises(snippet: Snippet, printed: str) -> None:
    """Compare what a snippet printed with the ``text`` blocks behind it."""
    for promise in snippet.promises:
        assert promise.is_kept_by(printed), f"{snippet.id} says:\n{promise.text}\n{printed}"


@EVERY_PAGE
def test_every_snippet_is_one_that_is_tried(page: Path) -> None:
    """No block escapes the tests below: by its language, by its indentation, or alone."""
    found = snippets(page)

    old_code = {"py"} if page.stem == "migrating-from-2020" else set()
    assert {snippet.language for snippet in found} <= LANGUAGES | old_code
    assert num_fences(page) == 2 * num_blocks(page)
    assert num_blocks(page) == len(found) + len(
        {promise.text for snippet in found for promise in snippet.promises}
    )


@in_language("python")
def test_a_block_of_a_page_runs(
    snippet: Snippet, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """A reader may copy a block into a script as it stands, and sees what it promises."""
    skip_without_weights(snippet.text, request)
    script = tmp_path / "block.py"
    script.write_text(snippet.text)

    printed = run(script, folder=tmp_path)

    if "SumAggregator" in snippet.text:
        assert printed == RUNNING_SUMS
    check_promise(snippet.text, printed)
    check_promises(snippet, printed)


@pytest.mark.parametrize("page", [pytest.param(page, id=page.stem) for page in WITH_COMMANDS])
def test_the_commands_of_a_page_run(
    page: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    """A reader may type the commands of a page in their order, beside the files it names."""
    skip_without_weights(page.read_text(), request)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    furnish(tmp_path)
    for file in snippets(page):
        if file.file_name:
            (tmp_path / file.file_name).write_text(file.text)

    for snippet in snippets(page, "bash"):
        printed = execute(snippet.text, is_brief=not snippet.promises)

        check_promises(snippet, printed)


@in_language("yaml")
def test_a_config_of_a_page_is_a_flow(
    snippet: Snippet, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """A reader may copy YAML into a file: it is a flow, some nodes of one, or a card."""
    skip_without_weights(snippet.text, request)
    furnish(tmp_path)
    data = yaml.safe_load(snippet.text)
    if "weights" in data:
        folder = tmp_path / data["name"]
        folder.mkdir()
        (folder / "model.yaml").write_text(snippet.text)
        assert load_card(folder).name == data["name"]
        return
    config = tmp_path / "flow.yaml"
    config.write_text(yaml.safe_dump(whole_flow(data)))
    settings = {"source": str(tmp_path / "door.mp4")} if "inputs" in data else {}

    plan = read_config(config, settings).build().explain()

    assert all(f" {name}: " in plan for name in data.get("nodes", data))


def whole_flow(data: dict[str, Any]) -> dict[str, Any]:
    """Return a config with what some nodes lack: where boxes come from, and where all goes."""
    if "nodes" in data and len(data["nodes"]) > 1:
        return data
    nodes = dict(data.get("nodes", data))
    if any(node.get("from") == "track" for node in nodes.values()):
        nodes["boxes"] = {"type": "MotDetectionsReader", "path": "det.txt"}
        nodes["track"] = {"type": "SortTracker", "from": "boxes"}
    heard = {node.get("from") for node in nodes.values()}
    ends = [name for name in nodes if name not in heard]
    return {
        "nodes": nodes | {f"{end}-end": {"type": "VoidConsumer", "from": end} for end in ends}
    }


@EVERY_PAGE
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


def test_the_figures_of_a_page_are_those_of_the_results() -> None:
    """What tuning a batch and cameras give is what the benchmark and the notebook say."""
    page = (ROOT / "docs" / "tuning-a-batch.md").read_text()
    results = ROOT / "benchmarks" / "results"
    two, one = (
        json.loads((results / f"end_to_end-{name}.json").read_text())
        for name in ("cpu-2-cores", "1-thread-cpu-2-cores")
    )
    notebook = json.loads((ROOT / "examples" / "12_tune_a_batch.ipynb").read_text())
    printed = " ".join(
        "".join(output.get("data", {}).get("text/plain", []))
        for cell in notebook["cells"]
        for output in cell.get("outputs", [])
    )
    rows = re.findall(r"^\| \d+ \| [\d.]+ \| ([\d.]+) \| ([\d.]+) % \| ([\d.]+) ms", page, re.M)

    assert f"{two['flow_fps']} frames a second against {two['loop_fps']} with two" in page
    assert f"{one['flow_fps']} against {one['loop_fps']} with one" in page
    assert len(rows) == 3
    assert all(re.search(rf"{' +'.join(map(re.escape, row))}\n?", printed) for row in rows)
