"""What there is to decode and compute with, and what to do about the rest.

A machine without a GPU is well: everything runs on its CPU.
"""

from __future__ import annotations

import json
import os
import platform
import re
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from videoflow import __version__
from videoflow.app.gpu_probe import MARK
from videoflow.video.capabilities import has_nvidia_device
from videoflow.video.nvdec import LIBRARIES, missing_libraries

__all__ = ["Diagnosis", "as_json", "describe", "diagnose", "run_probe"]

PROBE_SECONDS: Final = 120.0
PROBE_COMMAND: Final = (sys.executable, "-m", "videoflow.app.gpu_probe")
_PACKAGES: Final = ("torch", "torchvision", "av", "PyNvVideoCodec")
_DECODING: Final = {
    "nvdec": "on the GPU, by NVDEC",
    "libav-cuda": "on the GPU, by FFmpeg's decoder for NVDEC",
    "upload": "on the CPU, with one upload of each picture",
    "cpu": "on the CPU",
}
_ENCODING: Final = {"nvenc": "on the GPU, by NVENC", "cpu": "on the CPU, by libx264"}


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was found.

    Attributes:
        versions: Of Python and of packages; None where one is not installed.
        libraries: NVIDIA's libraries, and whether the system finds them.
        driver: Version of NVIDIA's kernel driver, or None.
        has_nvidia_device: Whether there is a sign of a GPU of NVIDIA's.
        mps: Whether a daemon of CUDA's Multi-Process Service seems to run.
        probe: What ``gpu_probe`` found, or None if it broke.
        probe_error: How it broke, or nothing.
    """

    versions: Mapping[str, str | None]
    libraries: Mapping[str, bool]
    driver: str | None
    has_nvidia_device: bool
    mps: bool
    probe: Mapping[str, Any] | None
    probe_error: str = ""

    @property
    def is_well(self) -> bool:
        """Whether what is there can be used; a machine without a GPU is well."""
        return self.probe is not None and not self.probe["decoding"]["is_fallback"]

    @property
    def advice(self) -> list[str]:
        """What to do, the most important first."""
        if self.probe is None:
            return ["the look at the GPUs broke; update the driver, or hide the GPU with "
                    "CUDA_VISIBLE_DEVICES= and run again"]  # fmt: skip
        advice = []
        decoding = self.probe["decoding"]
        if decoding["is_fallback"]:
            advice.append(f"to decode on the GPU: {decoding['help']}")
        if self.probe["gpus"]:
            advice.extend(
                f"{library} was not found: {LIBRARIES[library]}"
                for library, is_there in self.libraries.items()
                if not is_there and LIBRARIES[library] != decoding["help"]
            )
            if not self.mps:
                advice.append(
                    "not needed, but several processes on one GPU take turns without it: "
                    "nvidia-cuda-mps-control -d"
                )
        return advice


def diagnose(command: Sequence[str] = PROBE_COMMAND) -> Diagnosis:
    """Look at this machine.

    Args:
        command: Runs ``gpu_probe``.
    """
    missing = missing_libraries()
    probe, error = run_probe(command)
    return Diagnosis(
        versions={"python": platform.python_version(), "videoflow": __version__}
        | {package: _version(package) for package in _PACKAGES},
        libraries={library: library not in missing for library in LIBRARIES},
        driver=_driver_version(),
        has_nvidia_device=has_nvidia_device(),
        mps=_has_mps(),
        probe=probe,
        probe_error=error,
    )


def run_probe(command: Sequence[str]) -> tuple[dict[str, Any] | None, str]:
    """Return what ``gpu_probe`` found, or None and how it ended."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=PROBE_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return None, f"it did not end within {PROBE_SECONDS:g} s"
    lines = [line for line in done.stdout.splitlines() if line.startswith(MARK)]
    if done.returncode == 0 and lines:
        found: dict[str, Any] = json.loads(lines[-1].removeprefix(MARK))
        return found, ""
    code = done.returncode
    how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"exited with {code}"
    last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
    return None, " ".join([f"it {how}", *(f"({line})" for line in last)])


def describe(diagnosis: Diagnosis) -> list[str]:
    """Return what was found, line by line."""
    lines = ["versions"]
    lines += [f"  {name}: {found or 'missing'}" for name, found in diagnosis.versions.items()]
    lines += ["NVIDIA", f"  driver: {diagnosis.driver or 'none'}"]
    lines += [
        f"  {library}: {'found' if is_there else 'missing'}"
        for library, is_there in diagnosis.libraries.items()
    ]
    lines.append(f"  MPS daemon: {'running' if diagnosis.mps else 'not running'}")
    if diagnosis.probe is None:
        lines.append(f"  the look at the GPUs broke: {diagnosis.probe_error}")
    else:
        lines += _describe_gpus(diagnosis.probe)
    if diagnosis.advice:
        lines += ["what to do", *(f"  - {text}" for text in diagnosis.advice)]
    elif not diagnosis.has_nvidia_device:
        lines.append(
            "This machine has no GPU of NVIDIA's, and that is fine: all runs on its CPU."
        )
    return lines


def as_json(diagnosis: Diagnosis) -> str:
    """Return what was found, and what follows from it, for programs."""
    extra = {"advice": diagnosis.advice, "is_well": diagnosis.is_well}
    return json.dumps(asdict(diagnosis) | extra, indent=2)


def _describe_gpus(probe: Mapping[str, Any]) -> list[str]:
    lines = [f"  CUDA of torch: {probe['torch_cuda'] or 'none, a build for CPUs'}"]
    lines += [
        f"  GPU {index}: {gpu['name']}, {gpu['memory_bytes'] / 2**30:.0f} GiB"
        for index, gpu in enumerate(probe["gpus"])
    ] or ["  GPUs that torch can use: none"]
    if probe["gpus"]:
        codecs = ", ".join(f"{name} up to {size}" for name, size in probe["codecs"].items())
        lines.append(
            f"  NVDEC of GPU 0: {probe['num_decoders']} engines; {codecs or 'no codec'}"
        )
        lines.append(f"  NVENC of GPU 0: {probe['num_encoders']} engines")
    decoding, encoding = probe["decoding"], probe["encoding"]
    lines += [
        "video",
        f"  decoded {_DECODING[decoding['kind']]}: {decoding['reason']}",
        f"  encoded {_ENCODING[encoding['kind']]}: {encoding['reason']}",
    ]
    return lines


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _driver_version(path: Path = Path("/proc/driver/nvidia/version")) -> str | None:
    try:
        found = re.search(r"\b\d+\.\d+(\.\d+)?\b", path.read_text())
    except OSError:  # no driver
        return None
    return found[0] if found else None


def _has_mps() -> bool:
    folder = os.environ.get("CUDA_MPS_PIPE_DIRECTORY", "/tmp/nvidia-mps")
    return (Path(folder) / "control").exists()
