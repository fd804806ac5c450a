"""What the shelf says about its models, for people and as data."""

from __future__ import annotations

import textwrap
from typing import Any

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from videoflow.nets.card import InputContract, ModelCard
from videoflow.nets.weights import local_weights

__all__ = ["card_page", "facts", "list_table", "print_text"]


def facts(card: ModelCard) -> dict[str, Any]:
    """Return what a list says about a model."""
    file = local_weights(card)
    return {
        "name": card.name,
        "task": card.task,
        "num_parameters": card.num_parameters,
        "licence": card.licence,
        "weights_file": str(file) if file else None,
        "has_known_checksum": card.weights.sha256 is not None,
    }


def list_table(found: list[dict[str, Any]]) -> Table:
    """Return a line for each model.

    Args:
        found: See ``facts``.
    """
    table = Table("name", "task", box=None, pad_edge=False)
    table.add_column("parameters", justify="right")
    table.add_column("licence")
    table.add_column("weights", overflow="fold")
    for model in found:
        table.add_row(
            Text(model["name"]),
            model["task"],
            _millions(model["num_parameters"]),
            model["licence"],
            _weights_text(model),
        )
    return table


def card_page(card: ModelCard) -> Table:
    """Return all that a card says, a line for each key."""
    model = facts(card)
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for key, value in (
        ("name", card.name),
        ("task", card.task),
        ("parameters", _millions(card.num_parameters)),
        ("licence", card.licence),
        ("weights", _weights_text(model)),
        ("file", card.weights.file),
        ("address", card.weights.url or "none"),
        ("sha256", card.weights.sha256 or "not known"),
        ("origin", card.weights.origin),
        ("network", card.factory or "the file itself"),
        ("input", _input_text(card.input)),
        ("output", card.output.form),
        ("thresholds", f"score {card.output.score_threshold}, NMS {card.output.nms_threshold}"),
        ("labels", f"{len(card.labels)}: {', '.join(card.labels)}"),
        ("page", str(card.folder / "README.md")),
    ):
        table.add_row(key, Text(value))
    return table


def print_text(page: RenderableType) -> None:
    """Print to standard output: as wide as a terminal, or as wide as it is into a pipe."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=10_000)
    with console.capture() as capture:
        console.print(page)
    print(textwrap.dedent("\n".join(line.rstrip() for line in capture.get().splitlines())))


def _millions(count: int | None) -> str:
    return "" if count is None else f"{count / 1e6:.2f} M"


def _weights_text(model: dict[str, Any]) -> str:
    if model["weights_file"]:
        return str(model["weights_file"])
    return "not here" if model["has_known_checksum"] else "not here, checksum not known"


def _input_text(contract: InputContract) -> str:
    size = contract.size
    parts = [
        f"{contract.channels} [N, 3, H, W]",
        f"{size[1]} x {size[0]} pixels" if isinstance(size, tuple) else f"{size} pixels",
        contract.fit,
        f"padded with {contract.pad_value:g} to a multiple of {contract.stride}",
        "0 to 255" if contract.mean is None else f"mean {contract.mean}, std {contract.std}",
    ]
    return ", ".join(parts)
