"""A GPU's limits and how near a flow comes to them: decode, model, counting, hand-over, age.

    python benchmarks/gpu.py --source people.mp4
    python benchmarks/gpu.py --clip street_1080p.mp4 --precision float16 --execution graphs

Prints one JSON object. Each part runs in a process of its own, so that none finds a GPU that
another has left; one that fails is told with its error, and the others go on. Without
``--clip`` a clip of 1080p H.264 is made: of the pictures of ``--source``, or of a pattern.
``flow_over_limit_ratio`` is the flow's best speed over the smaller of the decoders' and the
model's. Where there is no NVDEC, the CPU decodes, and ``decode.nvdec_skipped`` says why. With
``--smoke`` everything is small: to see that all parts run, also on a CPU.
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from gpu_parts import PARTS, Settings, write_clip
from machine import machine

_PART_SECONDS = 560.0


def main() -> None:
    """Run all parts, or one of them."""
    arguments = _parser().parse_args()
    if arguments.part:
        figures = PARTS[arguments.part](_settings(arguments, arguments.clip))
        print(json.dumps(figures))
        return
    with tempfile.TemporaryDirectory() as folder:
        clip = arguments.clip or _make_clip(arguments, Path(folder) / "clip.mp4")
        parts = {name: _run_part(name, clip) for name in PARTS}
    result = {"command": shlex.join(sys.argv), "date": datetime.now(UTC).isoformat()}
    result |= {**_device(), **machine()}
    result["flow_over_limit_ratio"] = _ratio(parts)
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


def _run_part(name: str, clip: Path) -> dict[str, Any]:
    """Return the figures of a part, from a process of its own."""
    command = [sys.executable, *sys.argv, "--clip", str(clip), "--part", name]
    print(f"{name} ...", file=sys.stderr, flush=True)
    try:
        answer = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=_PART_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return {"error": f"took more than {_PART_SECONDS:.0f} s"}
    if answer.returncode:
        return {"error": answer.stderr.strip().splitlines()[-20:]}
    figures: dict[str, Any] = json.loads(answer.stdout.splitlines()[-1])
    return figures


def _ratio(parts: dict[str, dict[str, Any]]) -> float | None:
    """Return the best flow over the smaller of the two limits; None where a part failed."""
    speeds = [parts[name].get(f"{name}_fps") for name in ("flow", "decode", "model")]
    if not all(speeds):
        return None
    flow, *limits = (max(speed.values()) for speed in speeds if speed)
    return round(flow / min(limits), 3)


def _device() -> dict[str, Any]:
    if not torch.cuda.is_available():
        return {"device": "cpu", "driver": None, "cuda": None}
    asked = subprocess.run(
        ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"],
        capture_output=True,
        text=True,
        check=False,
    )
    return {
        "device": torch.cuda.get_device_name(0),
        "driver": asked.stdout.strip() or None,
        "cuda": torch.version.cuda,
    }


if __name__ == "__main__":
    main()
