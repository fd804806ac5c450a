"""The shelf of models as a page: a line for each card."""

from __future__ import annotations

import re

from videoflow.nets.card import ModelCard, load_card
from videoflow.nets.shelf import model_names

__all__ = ["models_page"]

HEAD = """---
hide: [toc]
---

# Models

What is on the shelf, from the models' cards.
A name is what `ObjectDetector`, `SemanticSegmenter` and `ReidEmbedder` take, and leads to what
its card says in full: paper, checksum, preparation, what was measured here, and limits.
The licence is that of the weights.
What was published about them is in percent, on COCO where nothing else is said.
[Which detector](../docs/detectors.md) tells which family to take, and
[Add a model](../docs/add-a-model.md) how to bring your own.

| Model | Task | Parameters | Input | Licence | Published |
|---|---|---:|---|---|---|
"""

_PUBLISHED = re.compile(r"^\| Published \| (.+?)(, in percent.*)? \|$", re.M)


def models_page() -> str:
    """Return the table of all models on the shelf, with links to the pages of their cards."""
    return HEAD + "".join(map(_row, map(load_card, model_names())))


def _row(card: ModelCard) -> str:
    published = _PUBLISHED.search((card.folder / "README.md").read_text(encoding="utf-8"))
    millions = "" if card.num_parameters is None else f"{card.num_parameters / 1e6:.2f} M"
    cells = (
        f"[`{card.name}`]({card.name}/README.md)",
        card.task,
        millions,
        _input(card),
        card.licence,
        published[1] if published else "",
    )
    return f"| {' | '.join(cells)} |\n"


def _input(card: ModelCard) -> str:
    size = card.input.size
    if isinstance(size, tuple):
        return f"{size[1]} x {size[0]} px"
    side = "shorter" if card.input.fit == "short_side" else "longer"
    return f"{size} px, {side} side"
