"""Imports point down: each floor knows the floors below it, and no wing beside it."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "videoflow"

FLOORS = [
    {"", "errors", "exports"},
    {"data"},
    {"core"},
    {"runtime", "video", "nets", "vision", "evaluation"},
    {"producers", "processors", "consumers"},
    {"recipes"},
    {"app"},
]
LEVEL = {wing: level for level, floor in enumerate(FLOORS) for wing in floor}

# How Flow.run() finds an engine when nobody hands it one.
NAMED_DOOR = ("core/flow.py", "videoflow.runtime.local")

# Each foreign library comes in through one file, which lies here; or through a folder of its
# own, which bears its name; or, for commands, through a file for each group of them.
FOREIGN = {
    "av": "video/av/",
    "PyNvVideoCodec": "video/nvdec.py",
    "torchvision": "nets/torchvision/",
    "onnx": "nets/",
    "onnxruntime": "nets/onnx_runtime.py",
    "PIL": "vision/lettering.py",
    "confluent_kafka": "consumers/kafka_publisher.py",
    "paho": "consumers/mqtt_publisher.py",
    "pyarrow": "consumers/parquet_writer.py",
    "pandas": "data/",
    "pycocotools": "data/",
    "supervision": "data/",
    "trackeval": "evaluation/",
    "typer": "app/cli",
    "cv2": "nowhere",
}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


@cache  # each file is asked about once for every library
def imports(module: Path) -> tuple[str, ...]:
    """Return what a module imports: also inside functions, also for the type checker only."""
    names: list[str] = []
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            names += (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}:{node.lineno}: a relative import"
            names.append(node.module or "")
    return tuple(names)


def wing_of(dotted: str) -> str:
    parts = dotted.split(".")
    return parts[1] if len(parts) > 1 else ""


@pytest.mark.parametrize(
    "module", [pytest.param(m, id=str(m.relative_to(PACKAGE))) for m in modules()]
)
def test_imports_point_down(module: Path) -> None:
    """A module imports its own wing and floors below, through the named door if upward."""
    path = module.relative_to(PACKAGE)
    own = path.parts[0] if len(path.parts) > 1 else path.stem.replace("__init__", "")

    wrong = [
        name
        for name in imports(module)
        if name.split(".")[0] == "videoflow"
        and wing_of(name) != own
        and LEVEL[wing_of(name)] >= LEVEL[own]
        and (str(path), name) != NAMED_DOOR
    ]

    assert not wrong


def test_every_part_has_its_floor() -> None:
    """A new folder or module of the package is given a floor before it is used."""
    parts = {path.stem for path in PACKAGE.glob("*.py")} | {
        path.parent.name for path in PACKAGE.glob("*/__init__.py")
    }

    assert parts - {"__init__", "_shelf"} <= set(LEVEL)


def test_nodes_do_not_know_the_runtime() -> None:
    """Producers, processors and consumers are what the runtime runs, and no more."""
    wrong = {
        str(module.relative_to(PACKAGE)): name
        for wing in ("producers", "processors", "consumers")
        for module in (PACKAGE / wing).rglob("*.py")
        for name in imports(module)
        if wing_of(name) == "runtime"
    }

    assert not wrong


@pytest.mark.parametrize(("library", "place"), FOREIGN.items())
def test_a_foreign_library_has_one_door(library: str, place: str) -> None:
    """Only one file or folder knows a foreign library, where one would look for it."""
    users = [
        str(module.relative_to(PACKAGE))
        for module in modules()
        if any(name.split(".")[0] == library for name in imports(module))
    ]

    is_family = place.endswith((f"/{library}/", "/cli"))
    assert len(users) <= 1 or is_family
    assert all(user.startswith(place) for user in users)


def test_a_file_has_a_subject() -> None:
    """No file is a drawer for functions without a home."""
    drawers = {"utils", "helpers", "common", "base", "manager", "misc"}

    assert not [str(module) for module in modules() if module.stem in drawers]
