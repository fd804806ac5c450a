"""Sentences of pages that name the test that holds them to their word."""

from __future__ import annotations

import ast
import re
from pathlib import Path

TESTS = Path(__file__).parent
_NAMED = re.compile(
    r"(?:- )?(?P<sentence>[A-Z*`].+[.]) <!-- (?P<file>test_\w+)\.(?P<test>test_\w+) -->"
)


def name_of_test(line: str) -> str:
    """Return the test that a line of a page names, having looked whether it can fail.

    Raises:
        AssertionError: The line is no one sentence, or its test is not there, asserts
            nothing, or may be skipped.
    """
    named = _NAMED.fullmatch(line)
    assert named, f"no test is named: {line}"
    assert len(re.findall(r"[.] [A-Z]", named["sentence"])) == 0
    test = _functions(named["file"])[named["test"]]
    text = ast.unparse(test)
    assert "assert " in text or "pytest.raises" in text
    assert "skip(" not in text
    return named["test"]


def _functions(file: str) -> dict[str, ast.FunctionDef]:
    """Return the functions of the one test file that is called ``file``."""
    (path,) = TESTS.rglob(f"{file}.py")
    nodes = ast.parse(path.read_text()).body
    return {node.name: node for node in nodes if isinstance(node, ast.FunctionDef)}
