from __future__ import annotations

from pathlib import Path

import pytest

from videoflow.errors import SourceError
from videoflow.video.folder import IMAGE_SUFFIXES, list_folder


def test_numbers_are_ordered_as_numbers(tmp_path: Path) -> None:
    """2 comes before 10; endings may be of any case; the rest of a folder is left out."""
    for name in ("cam10.png", "cam2.PNG", "cam2b.jpg", "10.png", ".cam1.png", "notes.txt"):
        (tmp_path / name).touch()
    (tmp_path / "folder.png").mkdir()

    files = list_folder(tmp_path, suffixes=IMAGE_SUFFIXES)

    assert [file.name for file in files] == ["10.png", "cam2.PNG", "cam2b.jpg", "cam10.png"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        pytest.param("missing", "got no such folder, want a folder", id="missing"),
        pytest.param("file", "got a file, want a folder", id="file"),
        pytest.param("empty", "got no file that ends in .*png", id="empty"),
    ],
)
def test_a_folder_without_files_is_refused(tmp_path: Path, name: str, message: str) -> None:
    """The error says what came and what is wanted."""
    (tmp_path / "file").touch()
    (tmp_path / "empty").mkdir()

    with pytest.raises(SourceError, match=message):
        list_folder(tmp_path / name, suffixes=IMAGE_SUFFIXES)
