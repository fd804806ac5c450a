"""What a benchmark ran on, for its result."""

from __future__ import annotations

import os
import platform
from typing import Any

__all__ = ["machine"]


def machine() -> dict[str, Any]:
    """Return the processor, its cores for this process, and the software's versions."""
    import av
    import numpy
    import torch

    return {
        "processor": _processor(),
        "num_cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": numpy.__version__,
        "av": av.__version__,
    }


def _processor() -> str:
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
