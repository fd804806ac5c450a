"""The page of commands."""

from __future__ import annotations

from docs.website.command_pages import commands_page
from videoflow.app.shipped import shipped_configs


def test_the_page_has_every_command() -> None:
    """Each command and each recipe has a section with its own help and options."""
    page = commands_page()

    for command in ("run", "explain", "demo", "doctor", "models fetch", "new script"):
        assert f" `videoflow {command}`\n" in page
    for recipe in shipped_configs():
        assert f"\n### `videoflow {recipe}`\n" in page
    assert "| `--line X1,Y1,X2,Y2` | where to count" in page


def test_choices_do_not_break_the_table() -> None:
    """A bar between choices is no border of a cell."""
    assert "<auto\\|process\\|fused>" in commands_page()
