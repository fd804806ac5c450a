"""docs/comparison.md asks every system the same, names sources and tells measured figures."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "comparison.md").read_text()
QUESTIONS = [
    "pixels",
    "many streams",
    "a PyTorch model",
    "too slow",
    "failures",
    "without a GPU",
]


def sections() -> dict[str, str]:
    """Return the text under each system's head."""
    parts = re.split(r"^## (.+)$", PAGE, flags=re.MULTILINE)[1:]
    found = dict(zip(parts[::2], parts[1::2], strict=True))
    del found["Not weighed here"]
    return found


OTHERS = {name: text for name, text in sections().items() if name != "Videoflow"}


@pytest.mark.parametrize("name", sections())
def test_each_system_answers_the_same_questions(name: str) -> None:
    """Nothing that speaks against one of them is left out, nor against Videoflow."""
    rows = re.findall(r"^\| ([^|]+) \| (.+) \|$", sections()[name], flags=re.MULTILINE)

    assert [question for question, _ in rows] == QUESTIONS
    assert all(answer.strip() for _, answer in rows)


@pytest.mark.parametrize("name", OTHERS)
def test_each_system_has_sources_and_a_case_for_it(name: str) -> None:
    """What is said of others can be looked up, and when to take them is said first."""
    text = OTHERS[name]

    assert len(set(re.findall(r"\]\((https://[^)]+)\)", text))) >= 2
    assert "Better at: " in text
    assert text.index("Take it rather than Videoflow ") < text.index("Take Videoflow when ")


def test_the_table_above_leads_to_every_system() -> None:
    """Whoever knows what they want finds the section with one click."""
    wanted = PAGE.partition("## Videoflow")[0]
    anchors = {re.sub(r"[^\w -]", "", name).lower().replace(" ", "-") for name in OTHERS}

    assert set(re.findall(r"\]\(#([^)]+)\)", wanted)) == anchors


def test_figures_are_those_of_the_results() -> None:
    """How often a flow is as fast as a loop is what the benchmark wrote."""
    results = ROOT / "benchmarks" / "results"
    names = ["end_to_end-1-thread-cpu-2-cores.json", "end_to_end-cpu-2-cores.json"]
    ratios = [json.loads((results / name).read_text())["ratio"] for name in names]

    told = re.search(r"takes ([\d.]+) times .* one thread, and ([\d.]+) times on two", PAGE)
    assert told
    assert [f"{ratio:.1f}" for ratio in ratios] == list(told.groups())
