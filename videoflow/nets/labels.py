"""The classes of a model, by name and by index."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from videoflow.errors import ModelError

__all__ = ["class_indices"]


def class_indices(
    classes: Sequence[str | int] | None, labels: Sequence[str], *, model: str
) -> tuple[int, ...] | None:
    """Return the class indices that ``classes`` names, sorted, or None for None (all).

    Args:
        classes: Class names, class indices, or a mixture.
        labels: The model's class names, in the order of its outputs.
        model: Its name, for messages.

    Raises:
        ModelError: A name or an index that the model does not have, or none at all.
    """
    if classes is None:
        return None
    if isinstance(classes, str) or not classes:
        raise ModelError(
            f"model {model!r}, classes: got {classes!r}, want a list of class names",
            help="leave classes out to get all",
        )
    return tuple(sorted({_class_index(wanted, labels, model=model) for wanted in classes}))


def _class_index(wanted: str | int, labels: Sequence[str], *, model: str) -> int:
    if isinstance(wanted, str) and wanted in labels:
        return labels.index(wanted)
    if isinstance(wanted, int) and 0 <= wanted < len(labels):
        return int(wanted)
    near = difflib.get_close_matches(str(wanted), labels, n=3, cutoff=0.5)
    raise ModelError(
        f"model {model!r}, classes: got {wanted!r}, "
        f"want one of its {len(labels)} class names or an index from 0",
        help=f"did you mean {' or '.join(map(repr, near))}?"
        if near
        else f"the names are {', '.join(labels)}",
    )
