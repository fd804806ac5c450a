"""Where the data that ships with Videoflow lies: model cards, and flows as YAML files.

Knows folders only; what a card says is for ``nets.card``.
"""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Literal

import videoflow
from videoflow.errors import ModelError

__all__ = ["CARD_FILE", "find_model", "model_names", "shelf_folder"]

CARD_FILE = "model.yaml"
"""The name of a card in its model's folder."""


def shelf_folder(kind: Literal["models", "configs"]) -> Path:
    """Return the folder of ``kind``: inside an installed package, else beside it in a checkout.

    The folder is read-only by agreement, and need not exist in a package without shelf.
    """
    package = Path(videoflow.__file__).resolve().parent
    installed = package / "_shelf" / kind
    return installed if installed.is_dir() else package.parent / kind


def model_names() -> tuple[str, ...]:
    """Return the names of all models on the shelf, sorted."""
    return tuple(
        sorted(card.parent.name for card in shelf_folder("models").glob(f"*/{CARD_FILE}"))
    )


def find_model(model: str | Path) -> Path:
    """Return the folder with the model's card.

    Args:
        model: A name on the shelf, or the path of a folder of one's own; a string with a
            slash is a path.

    Raises:
        ModelError: There is no such model.
    """
    if isinstance(model, Path) or "/" in model:
        folder = Path(model).expanduser()
        if (folder / CARD_FILE).is_file():
            return folder
        raise ModelError(
            f"model {str(model)!r}: got a path without {CARD_FILE}, want a model's folder",
            help="copy the folder of a model on the shelf and change its card",
        )
    names = model_names()
    if model in names:
        return shelf_folder("models") / model
    near = difflib.get_close_matches(model, names, n=3, cutoff=0.4)
    meant = f"did you mean {' or '.join(map(repr, near))}?" if near else ""
    raise ModelError(
        f"model {model!r}: got an unknown name, want one of the {len(names)} on the shelf",
        help=f"{meant or 'videoflow models list shows them.'} "
        "A folder of your own is named by its path, with a slash in it",
    )
