"""Looks at the GPUs, in a process of its own: a driver that does not fit may end it.

``python -m videoflow.app.gpu_probe`` prints what it found as one line of JSON.
"""

from __future__ import annotations

import json
from typing import Any

from videoflow.video.capabilities import (
    VideoCapabilities,
    choose_decoding,
    choose_encoding,
    probe_video,
)
from videoflow.video.nvdec import Nvdec, codec_names

__all__ = ["MARK", "probe_gpus"]

MARK = "videoflow gpu probe: "
"""In front of the line of JSON; libraries may print others."""


def probe_gpus(found: VideoCapabilities) -> dict[str, Any]:
    """Return what torch and NVDEC say of the GPUs, as plain data.

    Args:
        found: What there is to decode with.
    """
    import torch  # slow, and only here

    way = choose_decoding(found, "auto")
    encoding = choose_encoding(lambda: found, "auto", gpu_index=0 if found.num_gpus else None)
    probe: dict[str, Any] = {
        "torch_cuda": torch.version.cuda,
        "gpus": [_gpu(index) for index in range(found.num_gpus)],
        "codecs": {},
        "num_decoders": 0,
        "num_encoders": 0,
        "has_libav_cuda": found.has_libav_cuda,
        "decoding": {
            "kind": way.kind,
            "reason": way.reason,
            "help": way.help,
            "is_fallback": way.is_fallback,
        },
        "encoding": {"kind": encoding.kind, "reason": encoding.reason},
    }
    if isinstance(found.nvdec, Nvdec):
        _ask_nvdec(found.nvdec, probe)
    return probe


def _gpu(index: int) -> dict[str, Any]:
    import torch

    found = torch.cuda.get_device_properties(index)
    return {"name": found.name, "memory_bytes": found.total_memory}


def _ask_nvdec(nvdec: Nvdec, probe: dict[str, Any]) -> None:
    for codec in codec_names():
        for bit_depth in (8, 10):
            caps = nvdec.caps(codec, chroma="420", bit_depth=bit_depth)
            if caps.is_supported:
                height, width = caps.max_size_hw
                probe["codecs"][f"{codec} {bit_depth} bit"] = f"{width}x{height}"
                probe["num_decoders"] = max(probe["num_decoders"], caps.num_engines)
    probe["num_encoders"] = nvdec.count_encoders()


if __name__ == "__main__":
    print(MARK + json.dumps(probe_gpus(probe_video())))
