"""The order in which people read the names of files."""

from __future__ import annotations

import re

__all__ = ["natural_key"]


def natural_key(name: str) -> tuple[list[tuple[int, str]], str]:
    """Return what to sort names by, so that digits count as numbers.

    Example:
        >>> sorted(["cam10.png", "cam2.png", "10.png"], key=natural_key)
        ['10.png', 'cam2.png', 'cam10.png']
    """
    # "cam10b.png" -> [(1, "cam"), (0, "0...010"), (1, "b.png")]: digits come before letters
    parts = re.findall(r"\d+|\D+", name.lower())
    return [(0, f"{int(part):020}") if part.isdecimal() else (1, part) for part in parts], name
