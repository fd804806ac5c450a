"""Downloads weights, with a bar on a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from videoflow.nets.card import load_card
from videoflow.nets.weights import find_weights

__all__ = ["fetch_weights"]


def fetch_weights(names: Sequence[str], *, allow_unknown_checksum: bool) -> dict[str, Path]:
    """Return where the weights of ``names`` are, downloaded where they were nowhere.

    Progress is drawn on standard error, if that is a terminal.

    Raises:
        ModelError: An unknown model, or see ``find_weights``; what was fetched before stays.
    """
    cards = {name: load_card(name) for name in names}  # a wrong name is told before all else
    console = Console(stderr=True)
    files = {}
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    ) as bar:
        for name, card in cards.items():
            task = bar.add_task(card.weights.file, total=None)

            def show(done: int, total: int | None, task: object = task) -> None:
                bar.update(task, completed=done, total=total)  # type: ignore[arg-type] # its id

            files[name] = find_weights(
                card, allow_unknown_checksum=allow_unknown_checksum, progress=show
            )
            bar.remove_task(task)
    return files
