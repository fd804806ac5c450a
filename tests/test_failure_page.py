"""What docs/failure-and-stopping.md guarantees is held to its word by a test that it names."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.named_tests import name_of_test
from videoflow.app.exit_codes import FAILED, INTERRUPTED, WRONG_INPUT
from videoflow.app.termination import TERMINATED

PAGE = Path(__file__).parent.parent / "docs" / "failure-and-stopping.md"
GUARANTEES = [line for line in PAGE.read_text().splitlines() if line.startswith("- ")]


@pytest.mark.parametrize("line", GUARANTEES, ids=lambda line: line.split(" <!--")[0][:60])
def test_a_guarantee_names_a_test_that_can_fail(line: str) -> None:
    """A line with a dash is one sentence; its test is there, asserts and is not skipped."""
    assert name_of_test(line)


def test_the_exit_codes_of_the_page_are_those_of_the_commands() -> None:
    """The table has each code that a command may leave with."""
    rows = [line.split("|") for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    codes = {int(row[3]) for row in rows if row[3].strip().isdigit()}

    assert codes == {0, FAILED, WRONG_INPUT, INTERRUPTED, TERMINATED, 128 + 9}
