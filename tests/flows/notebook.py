"""Executes notebook cells in a kernel of this interpreter; a program of its own.

Reads ``{"cells": [...], "folder": ..., "interrupt_at": ...}`` from standard input, writes
what each cell printed and showed, and its error, as JSON. The kernel is interrupted, as with
the stop button, whenever the file ``interrupt_at`` appears. nbclient leaves sockets to the
garbage collector, which is why tests do not use it in their own process.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.flows.environment import HANG_SECONDS, python_environment


@dataclass(frozen=True)
class Cell:
    """What a cell left: standard output, its displays by type, the name of its error or ""."""

    output: str
    error: str
    shown: list[dict[str, str]] = field(default_factory=list, compare=False)


def run_cells(
    cells: list[str], folder: Path, *, interrupt_at: Path | None = None
) -> list[Cell]:
    """Return what each cell left, in a fresh kernel that works in ``folder``."""
    order = {
        "cells": cells,
        "folder": str(folder),
        "interrupt_at": str(interrupt_at) if interrupt_at else None,
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.flows.notebook"],
        input=json.dumps(order),
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
        env=python_environment(),
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [Cell(**cell) for cell in json.loads(done.stdout)]


def main() -> None:
    import nbformat
    from jupyter_client.manager import KernelManager
    from nbclient import NotebookClient

    order = json.load(sys.stdin)
    v4: Any = nbformat.v4  # untyped
    notebook = v4.new_notebook(cells=[v4.new_code_cell(source) for source in order["cells"]])
    manager = KernelManager()
    client = NotebookClient(
        notebook,
        km=manager,
        timeout=round(HANG_SECONDS),
        startup_timeout=round(HANG_SECONDS),
        allow_errors=True,
        resources={"metadata": {"path": order["folder"]}},
    )
    if order["interrupt_at"]:
        arguments = (manager, Path(order["interrupt_at"]))
        threading.Thread(target=interrupt, args=arguments, daemon=True).start()
    client.execute()
    json.dump([left_by(cell) for cell in notebook["cells"]], sys.stdout)


def interrupt(manager: Any, sign: Path) -> None:
    while True:
        time.sleep(0.02)
        if sign.exists():
            sign.unlink()
            manager.interrupt_kernel()


def left_by(cell: Any) -> dict[str, Any]:
    outputs = cell["outputs"]
    return {
        "output": "".join(o["text"] for o in outputs if o.get("name") == "stdout"),
        "error": "".join(o["ename"] for o in outputs if o["output_type"] == "error"),
        "shown": [o["data"] for o in outputs if "data" in o],
    }


if __name__ == "__main__":
    main()
