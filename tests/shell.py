"""The commands of the pages, in one process and without a network.

A block of a page is read as a shell would read it, and each command goes to what stands for
it here. ``videoflow`` is the command line itself, also where a page calls it in a container.
What would change the machine is only read: the files, extras and commands that it names have to
be there. A command for which nothing stands is refused.
"""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.clips import write_clip
from tests.flows.environment import HANG_SECONDS
from videoflow.app.cli import main

ROOT = Path(__file__).parent.parent
IMAGE = "videoflow"


def furnish(folder: Path) -> None:
    """Put into ``folder`` the videos and the files that the pages speak of."""
    clip = write_clip(folder / "door.mp4", size_hw=(720, 1280))
    (folder / "cams").mkdir()
    (folder / "examples").symlink_to(ROOT / "examples")
    for name in ("cams/a.mp4", "cams/b.mp4"):
        (folder / name).write_bytes(clip.read_bytes())
    write_clip(folder / "vtest.avi", size_hw=(576, 768))
    rows = [f"{frame},1,100,20,40,80,0.9,1,1\n" for frame in range(1, 601)]
    pairs = ("MOT17/train/MOT17-02/gt/gt.txt", "MOT17-02/gt/gt.txt", "results/MOT17-02.txt")
    for name in ("det.txt", "gt.txt", "tracks.txt", *pairs):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("".join(rows))


def execute(block: str, *, is_brief: bool = False) -> str:
    """Run the commands of ``block`` in the current folder; return what they print.

    Args:
        block: As it stands on a page.
        is_brief: Nobody compares the output, so that a short film will do.

    Raises:
        AssertionError: A command failed, or nothing stands for it.
    """
    printed = io.StringIO()
    for line in block.replace("\\\n", " ").splitlines():
        for command in line.split(" && "):
            words = shlex.split(command, comments=True)
            if words:
                printed.write(_execute(_briefly(words) if is_brief else words))
    return printed.getvalue()


def _briefly(words: list[str]) -> list[str]:
    if words[:2] == ["videoflow", "demo"]:
        return [*words, "--seconds", "4"]
    return [*words, "--seconds", "1"] if words[:2] == ["videoflow", "bench"] else words


def _execute(words: Sequence[str]) -> str:
    while re.fullmatch(r"[A-Z_]+=.*", words[0]):
        words = words[1:]
    words, target = (words[:-2], words[-1]) if words[-2:-1] == [">"] else (words, None)
    name, *arguments = words
    assert name in _STAND_INS, f"nothing stands for {name!r} in tests/shell.py"
    assert "/" not in name or (ROOT / name).is_file(), name
    output = _STAND_INS[name](arguments)
    if target is None:
        return output
    Path(target).write_text(output)
    return ""


def _videoflow(arguments: Sequence[str]) -> str:
    output, errors = io.StringIO(), io.StringIO()
    if any("://" in word for word in arguments):  # a camera that is not there: only the plan
        is_plan = arguments[0] == "explain"
        arguments = arguments if is_plan else ["explain", *_verb_as_config(arguments)]
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
        code = main(arguments)
    assert code == 0, f"videoflow {' '.join(arguments)}: {code}\n{errors.getvalue()}"
    return output.getvalue()


def _verb_as_config(arguments: Sequence[str]) -> Sequence[str]:
    name, *rest = arguments
    return rest if name == "run" else [name.replace("-", "_"), *rest]


def _pip(arguments: Sequence[str]) -> str:
    assert arguments[0] == "install"
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    for word in arguments[1:]:
        wanted = re.fullmatch(r"(?:\.|videoflow)(?:\[(.+)\])?", word)
        assert word.startswith(("-", "https://")) or wanted, word
        if wanted and wanted[1]:
            assert set(wanted[1].split(",")) <= set(extras), word
    return ""


def _pytest(arguments: Sequence[str]) -> str:
    assert all((ROOT / path).exists() for path in arguments if not path.startswith("-"))
    return ""


def _python(arguments: Sequence[str]) -> str:
    if arguments[0].startswith("benchmarks/"):  # measures for minutes
        compile((ROOT / arguments[0]).read_text(), arguments[0], "exec")
        return ""
    done = subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _system(arguments: Sequence[str]) -> str:
    """Look for the files that a command names, which changes the machine."""
    files = [
        word for word in arguments if word.removeprefix("./").startswith("examples/deploy/")
    ]
    assert all((ROOT / file).exists() for file in files), files
    return ""


def _container(arguments: Sequence[str]) -> str:
    """Do outside of a container what it would run, which is the arguments of the command."""
    if arguments[0] == "run":
        return _videoflow(arguments[arguments.index(IMAGE) + 1 :])
    return _system(arguments)


def _gpu_script(arguments: Sequence[str]) -> str:
    assert arguments
    return ""


_STAND_INS: dict[str, Callable[[Sequence[str]], str]] = {
    "docker": _container,
    "pip": _pip,
    "podman": _container,
    "pytest": _pytest,
    "python": _python,
    "sudo": _system,
    "tests/gpu/pack.sh": _gpu_script,
    "tests/gpu/run.sh": _gpu_script,
    "videoflow": _videoflow,
}
