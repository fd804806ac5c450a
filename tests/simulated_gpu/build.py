"""Builds the libraries of the simulated GPU's driver, for the torch that is installed."""

from __future__ import annotations

import importlib.util
import platform
import shutil
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import torch

__all__ = ["COMPUTING", "ROOT", "build_driver", "environment", "why_not"]

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
_RUNTIME = "libcudart.so.13"
COMPUTING = "libsimulated_computing.so"
_FLAGS = (
    "-std=c++17",
    "-O1",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-fPIC",
    "-shared",
    "-pthread",
)
_DRIVER = ("accounts", "capture", "contexts", "graphs", "handles", "memory", "streams")
_CUDART = ("cudart", "cudart_streams")
_BESIDE = {
    "libnvcuvid.so.1": ("nvcuvid",),
    "libnvidia-encode.so.1": ("nvenc", "nvenc_pictures"),
    "libnvidia-ml.so.1": ("nvml",),
}


def why_not() -> str | None:
    """Return what is missing to build and use the simulated GPU, or None."""
    if platform.machine() != "x86_64" or platform.system() != "Linux":
        return "PyNvVideoCodec is for Linux on x86_64"
    if torch.version.cuda is None or not torch.version.cuda.startswith("13."):
        return f"torch is built for CUDA {torch.version.cuda}, want 13"
    missing = [tool for tool in ("g++", "nm") if shutil.which(tool) is None]
    if missing:
        return f"{missing[0]} is not installed"
    if importlib.util.find_spec("PyNvVideoCodec") is None:
        return "PyNvVideoCodec is not installed"
    if not _headers():
        return "CUDA's headers, which Triton brings, are not there"
    return None


def build_driver(folder: Path) -> None:
    """Build the libraries into an empty folder; ten seconds."""
    driver = folder / "libcuda.so.1"
    with ThreadPoolExecutor() as pool:
        computing = pool.submit(_compile, folder / COMPUTING, _computing())
        _compile(driver, [f"{name}.cpp" for name in _DRIVER])
        for library, names in _BESIDE.items():
            _compile(folder / library, [*(f"{name}.cpp" for name in names), driver])
        _build_runtime(folder, driver)
    computing.result()


def environment(folder: Path, book: Path, *, num_gpus: int = 1) -> dict[str, str]:
    """Return the variables with which a Python has simulated GPUs.

    Args:
        folder: With the libraries.
        book: The file in which processes count the memory that they have.
        num_gpus: How many GPUs there are.
    """
    return {
        "LD_LIBRARY_PATH": str(folder),
        "LD_PRELOAD": str(folder / _RUNTIME),  # torch would load the real one, next to itself
        "PYTHONPATH": f"{HERE / 'startup'}:{ROOT}",
        "SIMULATED_GPU_BOOK": str(book),
        "SIMULATED_GPU_COUNT": str(num_gpus),
        "VIDEOFLOW_SIMULATED_GPU": "1",
    }


def _computing() -> list[str]:
    """Return what makes the library for torch; the driver is there where it is loaded."""
    torch_folder = Path(torch.__file__).parent
    headers = (torch_folder / "include", torch_folder / "include/torch/csrc/api/include")
    libraries = (f"-L{torch_folder / 'lib'}", "-lc10", "-lc10_cuda", "-ltorch_cpu")
    options = ("-std=c++20", "-O0", *(f"-isystem{path}" for path in headers))
    return [*options, "computing.cpp", *libraries]


def _build_runtime(folder: Path, driver: Path) -> None:
    version = folder / "cudart.map"
    version.write_text(f"{_RUNTIME} {{ global: *; }};\n")
    parts: list[str | Path] = []
    for name in _CUDART:
        parts.append(folder / f"{name}.o")
        _compile(folder / f"{name}.o", ["-c", f"{name}.cpp"])
    here = set[str]().union(*(_symbols_of(Path(part)) for part in parts))
    refusals = folder / "absent.cpp"
    refusals.write_text(_refusals(sorted(_symbols_wanted() - here)))
    _compile(folder / _RUNTIME, [*parts, refusals, driver, f"-Wl,--version-script={version}"])


def _compile(product: Path, parts: Sequence[str | Path]) -> None:
    headers = [f"-isystem{folder}" for folder in _headers()]
    command = ["g++", *_FLAGS, *headers, *map(str, parts)]
    command += ["-o", str(product), f"-Wl,-soname,{product.name}", "-Wl,-rpath,$ORIGIN"]
    subprocess.run(command, check=True, text=True, cwd=HERE / "driver")


def _headers() -> list[Path]:
    """Return folders with CUDA's headers, or nothing if they are not there.

    First those of the runtime that torch was built with, whose structures it takes; Triton has
    the few beside them, of whatever version.
    """
    spec = importlib.util.find_spec("triton")  # its folder; nothing is imported
    if spec is None or not spec.submodule_search_locations:
        return []
    runtimes = Path(torch.__file__).parents[1] / "nvidia" / "cu13" / "include"
    tritons = Path(spec.submodule_search_locations[0], "backends", "nvidia", "include")
    folders = [folder for folder in (runtimes, tritons) if folder.is_dir()]
    return folders if (tritons / "cuda_runtime_api.h").exists() else []


@cache
def _symbols_wanted() -> set[str]:
    """Return what torch and NVIDIA's libraries beside it want of the runtime."""
    site = Path(torch.__file__).parents[1]
    libraries = [*site.glob("torch/lib/*.so"), *site.glob("nvidia/*/lib/*.so*")]
    listing = _nm("--undefined-only", *libraries)
    words = (line.split()[-1] for line in listing.splitlines() if f"@{_RUNTIME}" in line)
    return {word.partition("@")[0] for word in words}


def _symbols_of(compiled: Path) -> set[str]:
    lines = _nm("--defined-only", compiled).splitlines()
    return {line.split()[-1].partition("@")[0] for line in lines if line}


def _nm(option: str, *files: Path) -> str:
    command = ["nm", option, *(["-D"] if files[0].suffix != ".o" else []), *map(str, files)]
    return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE).stdout


def _refusals(names: list[str]) -> str:
    """Return source code that says of each call that it is not simulated."""
    lines = [
        f'int {name}() {{ std::fputs("simulated GPU: no {name}\\n", stderr); return 801; }}'
        for name in names
    ]
    return "\n".join(["#include <cstdio>", 'extern "C" {', *lines, "}", ""])
