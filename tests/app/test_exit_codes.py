"""What becomes of an output that cannot be written or that nobody reads, and of the system."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from videoflow.app.cli import main
from videoflow.app.exit_codes import exit_code

COMMAND = [
    sys.executable,
    "-c",
    "import sys; from videoflow.app.cli import main; sys.exit(main())",
]


def test_a_reader_that_leaves_is_no_error() -> None:
    """As with other commands of a shell, 128 and the signal, and not a word."""
    reading, writing = os.pipe()
    os.close(reading)

    done = subprocess.run(
        [*COMMAND, "schema"], stdout=writing, stderr=subprocess.PIPE, timeout=60, check=False
    )

    os.close(writing)
    assert (done.returncode, done.stderr) == (141, b"")


def test_a_full_disk_is_told_once() -> None:
    """One message, and nothing more of it when the process ends."""
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*COMMAND, "--version"],
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )

    assert done.returncode == 2
    assert done.stderr.decode().splitlines() == [
        "error: the output: No space left on device",
        "  help: make room, or write to another place",
    ]


def test_a_folder_that_is_gone_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Who removed the current folder hears so."""
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()

    assert main(["run", "count_people", "door.mp4"]) == 2
    assert capsys.readouterr().err.startswith("error: the current folder is not there any more")


def test_what_the_system_refuses_is_told_with_its_file(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A file's name, the system's words, and a way out; the code is that of the part."""
    with pytest.raises(SystemExit) as caught, exit_code(1):
        open("/proc/nowhere")  # noqa: SIM115 - it is never opened

    assert caught.value.code == 1
    assert capsys.readouterr().err == (
        "error: /proc/nowhere: No such file or directory\n"
        "  help: give another path, or one that you may use\n"
    )
