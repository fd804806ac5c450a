"""What the package offers, and how cheap it is to ask for it."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "videoflow"
HEAVY = {"torch", "torchvision", "av", "PyNvVideoCodec", "cv2", "scipy", "pydantic"}

PROBE = """
import sys, time
start = time.process_time()
{statement}
print(time.process_time() - start, *sorted({heavy} & set(sys.modules)))
"""


def packages() -> list[str]:
    folders = (init.parent.relative_to(PACKAGE.parent) for init in PACKAGE.rglob("__init__.py"))
    return sorted(".".join(folder.parts) for folder in folders)


@pytest.mark.parametrize("package", packages())
def test_every_public_name_is_there(package: str) -> None:
    """Each name of an __all__ can be imported, lazily or not, and is listed once."""
    module = import_module(package)
    names: list[str] = getattr(module, "__all__", [])

    assert len(set(names)) == len(names)
    assert not [name for name in names if not hasattr(module, name)]


def test_an_unknown_name_is_an_import_error() -> None:
    """A package with lazy names answers like any other when a name is not there."""
    import videoflow.consumers as consumers

    with pytest.raises(
        AttributeError, match=r"'videoflow\.consumers' has no attribute 'Nothing'"
    ):
        consumers.Nothing  # type: ignore[attr-defined] # noqa: B018 - asking is the test


@pytest.mark.parametrize(
    "statement",
    [
        "import videoflow",
        "import videoflow.core",
        "from videoflow.producers import IntProducer",
        "from videoflow.processors.aggregators import SumAggregator",
        "from videoflow.consumers import CommandlineConsumer",
        "import videoflow.app.cli",
    ],
)
def test_is_cheap_to_import(statement: str) -> None:
    """What a flow of ints needs is there in 0.3 s of one core, without torch and video."""
    seconds = []
    for _ in range(3):
        answer = subprocess.run(
            [sys.executable, "-c", PROBE.format(statement=statement, heavy=HEAVY)],
            check=True,
            capture_output=True,
            text=True,
            cwd=PACKAGE.parent,
        ).stdout.split()
        seconds.append(float(answer[0]))
        assert answer[1:] == []

    assert min(seconds) < 0.3  # what else runs takes the caches away
