"""What every node can be told, by keyword."""

from __future__ import annotations

import re
from typing import Final, Literal, TypedDict

from videoflow.errors import GraphError

__all__ = ["DEFAULT_OPTIONS", "NodeOptions", "check_options", "is_count"]


class NodeOptions(TypedDict, total=False):
    """What every node can be told, by keyword.

    Keys:
        name: Lower case; by default the class name in snake case.
        nb_tasks: Workers that share the node's frames (for a per-stream node, its streams).
        device: ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"cuda:N"``.
        on_error: ``"stop"`` ends the flow, ``"skip"`` gives the frame up and goes on.
        max_failures: With ``"skip"``: how many are forgiven before the flow ends; None for all.
        restarts: How often a worker of this node may be started again after it was killed.
        num_threads: Threads for the node's own computing (torch); None for the plan's choice.
    """

    name: str
    nb_tasks: int
    device: str
    on_error: Literal["stop", "skip"]
    max_failures: int | None
    restarts: int
    num_threads: int | None


DEFAULT_OPTIONS: Final[NodeOptions] = {
    "nb_tasks": 1,
    "device": "auto",
    "on_error": "stop",
    "max_failures": None,
    "restarts": 0,
    "num_threads": None,
}


def check_options(owner: str, options: NodeOptions) -> None:
    """Refuse values that make no sense.

    Raises:
        GraphError: Names owner, option, what came and what is wanted.
    """
    wanted: dict[str, tuple[bool, str]] = {
        "nb_tasks": (is_count(options["nb_tasks"], 1), "an int >= 1"),
        "restarts": (is_count(options["restarts"], 0), "an int >= 0"),
        "on_error": (options["on_error"] in ("stop", "skip"), "'stop' or 'skip'"),
        "max_failures": (
            options["max_failures"] is None or is_count(options["max_failures"], 0),
            "an int >= 0 or None",
        ),
        "num_threads": (
            options["num_threads"] is None or is_count(options["num_threads"], 1),
            "an int >= 1 or None",
        ),
        "device": (
            bool(re.fullmatch(r"auto|cpu|cuda(:\d+)?", str(options["device"]))),
            "'auto', 'cpu', 'cuda' or 'cuda:N'",
        ),
        "name": (isinstance(options.get("name", ""), str), "a str"),
    }
    for key, (is_good, want) in wanted.items():
        if not is_good:
            raise GraphError(f"{owner}: got {key}={options.get(key)!r}, want {want}")


def is_count(value: object, least: int) -> bool:
    """Say whether ``value`` is a whole number of at least ``least``."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= least
