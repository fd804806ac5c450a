"""Each sentence of docs/counting.md is held to its word by a test that it names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.named_tests import name_of_test
from videoflow.app.config import read_config

TESTS = Path(__file__).parent
PAGE = TESTS.parent / "docs" / "counting.md"


def sentences() -> list[str]:
    """Return the lines of the page below its introduction that are no headings."""
    lines = PAGE.read_text().split("\n## ", 1)[1].splitlines()[1:]
    return [line for line in lines if line and not line.startswith("#")]


@pytest.mark.parametrize("line", sentences(), ids=lambda line: line.split(" <!--")[0][:60])
def test_a_sentence_names_a_test_that_can_fail(line: str) -> None:
    """A line is one sentence, and its test is there, asserts, and is never skipped."""
    assert name_of_test(line)


def test_the_block_of_the_page_is_a_part_of_a_flow(tmp_path: Path) -> None:
    """A reader may copy the nodes into a config behind a node ``track``."""
    (block,) = re.findall(r"^```yaml\n(.*?)^```", PAGE.read_text(), re.M | re.S)
    config = tmp_path / "flow.yaml"
    config.write_text(
        "flow: {name: a, type: batch}\n"
        "nodes:\n"
        "  read: {type: VideoFileReader, path: door.mp4}\n"
        "  track: {type: ByteTracker, from: read}\n"
        f"{block}"
        "  write: {type: VoidConsumer, from: [lines, zones, heat, speeds]}\n"
    )

    nodes = read_config(config, {}).nodes

    made = [node.node_class(**node.arguments) for node in nodes[1:-1]]
    assert [node.name for node in made] == ["track", "lines", "zones", "heat", "speeds"]


def test_each_test_of_the_page_stands_for_a_few_sentences() -> None:
    """No test is named by so many sentences that it cannot hold them all."""
    named = [name_of_test(line) for line in sentences()]

    assert len(named) > 80
    assert max(named.count(test) for test in named) <= 3
