from __future__ import annotations

from pathlib import Path

import pytest

from videoflow.consumers import CommandlineConsumer, FileAppenderConsumer, VoidConsumer
from videoflow.errors import OutputError


def test_commandline_prints_as_print_does(capsys: pytest.CaptureFixture[str]) -> None:
    """CommandlineConsumer prints its inputs with sep between and end after them."""
    CommandlineConsumer().consume(1, "two", None)
    CommandlineConsumer(sep=",", end=";").consume(3, 4)

    assert capsys.readouterr().out == "1 two None\n3,4;"


def test_void_takes_anything() -> None:
    """VoidConsumer takes every number of inputs and does nothing."""
    VoidConsumer().consume()
    VoidConsumer().consume(1, 2)


def test_appender_keeps_what_was_there(tmp_path: Path) -> None:
    """FileAppenderConsumer adds lines at the end, and another process sees each at once."""
    path = tmp_path / "log.txt"
    path.write_text("before\n")
    appender = FileAppenderConsumer(path, sep="\t")
    appender.open()

    appender.consume(1, 2.5)
    seen_before_close = path.read_text()
    appender.consume("two\r\nlines")
    appender.close()
    appender.close()

    assert seen_before_close == "before\n1\t2.5\n"
    assert path.read_text() == "before\n1\t2.5\ntwo\\r\\nlines\n"


def test_appender_makes_the_folder_and_no_file(tmp_path: Path) -> None:
    """Checking makes the folder that the file will lie in; the file comes with the run."""
    FileAppenderConsumer(tmp_path / "new" / "log.txt").check()

    assert list((tmp_path / "new").iterdir()) == []


@pytest.mark.parametrize(
    ("name", "message"),
    [
        pytest.param("", "is a folder, want a file", id="folder"),
        pytest.param("file/log.txt", "File exists|Not a directory", id="file-as-folder"),
    ],
)
def test_appender_refuses_before_the_start(tmp_path: Path, name: str, message: str) -> None:
    """What cannot be appended to is refused by check(), and by open() where it broke since."""
    (tmp_path / "file").touch()
    appender = FileAppenderConsumer(tmp_path / name)

    with pytest.raises(OutputError, match=message):
        appender.check()
    with pytest.raises(OutputError, match="file_appender_consumer"):
        appender.open()
