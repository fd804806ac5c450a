"""Files and folders as pages."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs.website.shown_files import show


def test_a_script_is_called_what_it_says_it_does(tmp_path: Path) -> None:
    """The page of a script has its docstring's sentence as title, and the whole script."""
    script = tmp_path / "01_add.py"
    script.write_text('"""Add up: python 01_add.py."""\n\nprint(1 + 1)\n')

    page = show(script)

    assert page.startswith('# Add up\n\n```python title="01_add.py"\n')
    assert page.endswith("\nprint(1 + 1)\n```\n")


def test_a_file_with_fences_is_shown_whole(tmp_path: Path) -> None:
    """Back ticks in a file do not end the block that shows it."""
    file = tmp_path / "notes.txt"
    file.write_text("````\ncode\n````\n")

    assert "`````text title" in show(file)


def test_a_folder_tells_what_its_files_say(tmp_path: Path) -> None:
    """A folder is a list of its files with their first lines; hidden ones are left out."""
    (tmp_path / "a.py").write_text('"""Do a."""\n')
    (tmp_path / "b.yaml").write_text("# Do b.\n\nx: 1\n")
    (tmp_path / "c.bin").write_bytes(b"\xff\xfe")
    (tmp_path / "d").mkdir()
    (tmp_path / "__pycache__").mkdir()

    lines = show(tmp_path).splitlines()

    assert lines[2:] == [
        "- [`a.py`](a.py): Do a.",
        "- [`b.yaml`](b.yaml): Do b.",
        "- `c.bin`",
        "- [`d`](d)",
    ]


def test_an_empty_folder_is_a_title(tmp_path: Path) -> None:
    """A folder without files is no error."""
    assert show(tmp_path) == f"# `{tmp_path.name}/`\n\n"


def test_a_readme_speaks_for_its_folder(tmp_path: Path) -> None:
    """A folder with a README is shown by it."""
    (tmp_path / "README.md").write_text("# All about it\n")

    assert show(tmp_path) == "# All about it\n"


def test_what_holds_no_text_is_refused(tmp_path: Path) -> None:
    """A link to a binary file is an error that names the file."""
    file = tmp_path / "weights.npz"
    file.write_bytes(b"\xff\xfe\x00")

    with pytest.raises(ValueError, match=r"weights\.npz: got no text"):
        show(file)
