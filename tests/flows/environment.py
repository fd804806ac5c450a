"""Where another interpreter finds this package and its tests."""

from __future__ import annotations

import os
from pathlib import Path


def python_environment(**extra: str) -> dict[str, str]:
    """Return this process's environment, with the package and its tests on the path."""
    root = Path(__file__).parent.parent.parent
    path = os.pathsep.join([str(root), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**os.environ, "PYTHONPATH": path, **extra}
