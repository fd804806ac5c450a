"""What every test shares: test data, skips for absent devices, and a look for leftovers."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import re
import signal
import time
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path

import psutil
import pytest
from hypothesis import HealthCheck, settings

from tests.quiet_clock import QuietClock

ROOT = Path(__file__).parent.parent
GRACE_SECONDS = 3.0

# A gate has to say the same of the same code each time, and no clock may decide. To look for
# examples that nobody has seen yet: pytest --hypothesis-profile=explore
settings.register_profile(
    "gate", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("explore", settings.get_profile("gate"), derandomize=False)
settings.load_profile("gate")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts what it runs in the background so, and scripts under test would inherit it.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def test_data() -> Path:
    """Return the folder of real videos and weights; skip where there is none."""
    folder = Path(os.environ.get("VIDEOFLOW_TEST_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no test data: {folder} is not there and $VIDEOFLOW_TEST_DATA names none")
    return folder


@pytest.fixture
def weights(test_data: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let models be found in the test data, here and in the workers; skip without it."""
    folder = test_data / "weights"
    monkeypatch.setenv("VIDEOFLOW_WEIGHTS", f"{folder}{os.pathsep}{test_data / 'reid'}")
    return folder


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose device is not there, or fail it where one was promised.

    ``VIDEOFLOW_REQUIRE_GPU`` is ``1`` for all of them, or one marker: ``gpu`` for a machine
    whose driver came without the libraries for video.
    """
    if os.environ.get("VIDEOFLOW_SIMULATED_GPU") and item.get_closest_marker("hardware"):
        pytest.skip("the simulated GPU does not do this")
    for marker, has_device in (("gpu", _has_cuda), ("nvdec", _has_nvdec)):
        if item.get_closest_marker(marker) is None or has_device():
            continue
        promised = os.environ.get("VIDEOFLOW_REQUIRE_GPU", "")
        if promised in ("1", marker):
            pytest.fail(f"VIDEOFLOW_REQUIRE_GPU={promised}, and this machine has no {marker}")
        pytest.skip(f"this machine has no {marker}")


@cache
def _has_cuda() -> bool:
    import torch  # slow: only for who has a test for it

    return torch.cuda.is_available()


@cache
def _has_nvdec() -> bool:
    try:
        ctypes.CDLL("libnvcuvid.so.1")
    except OSError:
        return False
    return _has_cuda()


@pytest.fixture(autouse=True)
def nothing_is_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that leaves a process, a pipe, a memory file or shared memory behind.

    What NVIDIA's driver has opened in this process it keeps to the end: there a GPU's tests
    are not asked for pipes and memory files.
    """
    has_driver = request.node.get_closest_marker("gpu") is not None
    belongings = partial(_belongings, with_descriptors=not has_driver)
    before = belongings()
    yield
    clock = QuietClock()
    while left := {thing for thing in belongings() - before if not _is_foreign(thing)}:
        if clock.seconds() > GRACE_SECONDS:
            _kill(left)
            pytest.fail(f"left behind: {sorted(left)}")
        gc.collect()
        time.sleep(0.02)


def _belongings(*, with_descriptors: bool) -> set[str]:
    return _children() | _shared() | (_descriptors() if with_descriptors else set())


def _shared() -> set[str]:
    """Return the files of shared memory that belong to our user."""
    found = set()
    for path in Path("/dev/shm").glob("*"):
        with contextlib.suppress(FileNotFoundError):  # it goes just now
            if path.stat().st_uid == os.getuid():
                found.add(str(path))
    return found


def _children() -> set[str]:
    found = set()
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):  # it ends just now
            found.add(f"process {child.pid} {child.name()}")
    return found


def _descriptors() -> set[str]:
    """Return the pipes and memory files that this process holds."""
    found = set()
    for entry in Path("/proc/self/fd").iterdir():
        try:
            target = os.readlink(entry)
        except OSError:  # the descriptor of this listing
            continue
        if target.startswith(("pipe:", "/memfd:")):
            found.add(f"descriptor {entry.name} {target}")
    return found


def _is_foreign(thing: str) -> bool:
    """Return whether ``thing`` is shared memory of a process outside this run.

    Such a process has it mapped or open, or has made it, if its name tells by whom: torch's
    and OpenMP's bear the number of their process.
    """
    if not thing.startswith("/dev/shm/"):
        return False
    own = {os.getpid(), *(child.pid for child in psutil.Process().children(recursive=True))}
    named = {int(number) for number in re.findall(r"\d+", Path(thing).name)}
    for process in Path("/proc").glob("[0-9]*"):
        if int(process.name) in own:
            continue
        try:
            if int(process.name) in named or thing in (process / "maps").read_text():
                return True
            if any(os.readlink(fd) == thing for fd in (process / "fd").iterdir()):
                return True
        except OSError:  # it is gone, or somebody else's
            continue
    return False


def _kill(left: set[str]) -> None:
    for thing in left:
        if thing.startswith("process "):
            try:
                psutil.Process(int(thing.split()[1])).kill()
            except psutil.NoSuchProcess:
                continue
