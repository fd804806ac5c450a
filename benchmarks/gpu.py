"""A GPU's limits and how near a flow comes to them: decode, model, counting, hand-over, age.

    python benchmarks/gpu.py --source people.mp4
    python benchmarks/gpu.py --clip street_1080p.mp4 --precision float16 --execution graphs
    python benchmarks/gpu.py --json gpu.json --budget-seconds 540

Prints one JSON object. Each part runs in a process of its own, so that none finds a GPU that
another has left. With ``--json`` the object is written again after each part: a run that is cut
off leaves what it has measured. A part that fails or has no time left is told with its error
and the figures that it had; the others go on. Without ``--clip`` a clip of 1080p H.264 is made:
of the pictures of ``--source``, or of a pattern. ``flow_over_limit_ratio`` is the flow's best
speed over the smaller of the decoders' and the model's, ``flow_over_loop_ratio`` the same over
that of the plain loop that one writes by hand. Where there is no NVDEC, the CPU decodes, and
``decode.nvdec_skipped`` says why. With ``--smoke`` everything is small: to see that all parts
run, also on a CPU.
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TextIO

import torch
from gpu_clip import write_clip
from gpu_measure import Settings
from gpu_parts import PARTS
from machine import machine

_MARK = "figures of a part: "
"""In front of a line of JSON; libraries print lines of their own."""


def main() -> None:
    """Run all parts, or one of them."""
    arguments = _parser().parse_args()
    if arguments.part:
        for figures in PARTS[arguments.part](_settings(arguments, arguments.clip)):
            print(_MARK + json.dumps(figures), flush=True)
        return
    until = time.monotonic() + arguments.budget_seconds
    result: dict[str, Any] = {
        "command": shlex.join(sys.argv),
        "date": datetime.now(UTC).isoformat(),
    }
    result |= {**machine(), **_device(), **_ratios({})}
    parts: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as folder:
        clip = arguments.clip or _make_clip(arguments, Path(folder) / "clip.mp4")
        for name in arguments.parts or PARTS:
            parts[name] = _run_part(name, clip, until - time.monotonic())
            result |= _ratios(parts)
            if arguments.json:
                arguments.json.write_text(json.dumps(result | parts, indent=2) + "\n")
    print(json.dumps(result | parts, indent=2))
    sys.exit(any("error" in figures for figures in parts.values()))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clip", type=Path)
    parser.add_argument("--source", type=Path)
    parser.add_argument("--seconds", type=float, default=20.0, help="of a clip that is made")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--model", default="yolox_nano")
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--execution", default="eager")
    parser.add_argument("--json", type=Path, help="written again after each part")
    parser.add_argument("--budget-seconds", type=float, default=1800.0, help="for all parts")
    parser.add_argument("--parts", nargs="+", choices=PARTS, help="only these, in this order")
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    return parser


def _settings(arguments: argparse.Namespace, clip: Path) -> Settings:
    small = arguments.smoke
    return Settings(
        clip=clip,
        device=arguments.device,
        model=arguments.model,
        precision=arguments.precision,
        execution=arguments.execution,
        input_size=64 if small else None,
        sessions=(1, 2) if small else (1, 4, 7, 14),
        batches=(1, 2) if small else (1, 4, 8, 16, 32, 64),
        streams=(1, 2) if small else (1, 8, 32),
        num_realtime=2 if small else 8,
        num_slots=50 if small else 5000,
        size_hw=(96, 128) if small else (1080, 1920),
        num_trials=3 if small else 30,
    )


def _make_clip(arguments: argparse.Namespace, path: Path) -> Path:
    settings = _settings(arguments, path)
    num_frames = 12 if arguments.smoke else round(30 * arguments.seconds)
    write_clip(path, source=arguments.source, size_hw=settings.size_hw, num_frames=num_frames)
    return path


def _run_part(name: str, clip: Path, seconds: float) -> dict[str, Any]:
    """Return the figures of a part, from a process of its own that has so long."""
    if seconds <= 0:
        return {"error": "no time was left"}
    command = [sys.executable, *sys.argv, "--clip", str(clip), "--part", name]
    print(f"{name} ...", file=sys.stderr, flush=True)
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        process = subprocess.Popen(command, stdout=out, stderr=err)
        try:
            failure: Any = f"ended with {code}" if (code := process.wait(seconds)) else None
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            failure = f"took more than {seconds:.0f} s"
        lines, errors = (_lines(stream) for stream in (out, err))
    told = [line.removeprefix(_MARK) for line in lines if line.startswith(_MARK)]
    figures: dict[str, Any] = json.loads(told[-1]) if told else {}
    return figures | {"error": [failure, *errors[-20:]]} if failure else figures


def _lines(stream: TextIO) -> list[str]:
    stream.seek(0)
    return stream.read().splitlines()


def _ratios(parts: dict[str, dict[str, Any]]) -> dict[str, float | None]:
    """Return the best flow over the smaller of its limits, and over the loop, where known."""
    flow, decode, model = (
        max((parts.get(name, {}).get(f"{name}_fps") or {}).values(), default=None)
        for name in ("flow", "decode", "model")
    )
    loop = parts.get("loop", {}).get("loop_fps")
    limit = min(decode, model) if decode and model else None
    return {
        "flow_over_limit_ratio": round(flow / limit, 3) if flow and limit else None,
        "flow_over_loop_ratio": round(flow / loop, 2) if flow and loop else None,
    }


def _device() -> dict[str, Any]:
    """Return what the GPU is; makes no context, which the parts would find there."""
    if not torch.cuda.is_available():
        return {"device": "cpu", "driver": None, "cuda": None}
    asked = _ask("nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader")
    name, _, driver = asked.partition(", ")
    return {
        "device": name or "a GPU without nvidia-smi",
        "driver": driver or None,
        "cuda": torch.version.cuda,
        "pynvvideocodec": _version("PyNvVideoCodec"),
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _ask(*command: str) -> str:
    """Return the first line that a program prints; nothing where it is not there."""
    try:
        asked = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return asked.stdout.partition("\n")[0].strip()


if __name__ == "__main__":
    main()
