"""A flow changed before it runs: one node put in another's place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from videoflow.core.graph import Graph
from videoflow.core.node import ConsumerNode, Node, ProducerNode
from videoflow.core.wiring import TaskModuleNode
from videoflow.errors import GraphError

__all__ = ["find_node", "put_in_place", "swapped"]


def find_node(graph: Graph, name: str) -> Node:
    """Return the node of ``graph`` that is called ``name``.

    Raises:
        GraphError: There is none.
    """
    for node in graph.nodes:
        if node.name == name:
            return node.node
    raise GraphError(
        f"flow {graph.name!r}: got the name {name!r}, want that of a node",
        help=f"nodes of this flow: {', '.join(node.name for node in graph.nodes)}",
    )


def put_in_place(new: Node, old: Node, *, ends: Sequence[Node]) -> None:
    """Give ``new`` the parents of ``old``, and the children too.

    Args:
        new: Has no parents yet.
        old: Not used any more afterwards.
        ends: The consumers of the flow, from which all its nodes are reached.

    Raises:
        GraphError: ``new`` has parents, or is another kind of node.
    """
    for kind in (ProducerNode, ConsumerNode):
        if isinstance(new, kind) != isinstance(old, kind):
            raise GraphError(
                f"{old.name!r}: got {new!r} in its place, want a node of the same kind",
                help="a producer for a producer, a processor for a processor, ...",
            )
    if new.parents:
        raise GraphError(
            f"{old.name!r}: got {new!r} in its place, which has parents already",
            help="hand it over as it was made, without calling it",
        )
    new._parents = old._parents
    seen: set[int] = set()
    waiting = list(ends)
    while waiting:
        here = waiting.pop()
        if id(here) in seen:
            continue
        seen.add(id(here))
        if isinstance(here, TaskModuleNode) and old in (here.entry, here.exit):
            raise GraphError(
                f"{old.name!r} stands at the rim of module {here.name!r} and has to stay",
                help="make the module with the other node",
            )
        if here is not new and here._parents is not None:
            here._parents = tuple(new if parent is old else parent for parent in here._parents)
        waiting.extend(here.parents)
        if isinstance(here, TaskModuleNode):
            waiting.append(here.exit)


def swapped(one: Any, old: Node, new: Node) -> Any:
    """Return ``new`` for ``old``, and any other node as it is."""
    return new if one is old else one
