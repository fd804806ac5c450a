"""Nodes that only wire: a merge of streams, and a part of a flow kept in one worker."""

from __future__ import annotations

from typing import Any

from videoflow.core.node import ConsumerNode, Node, ProducerNode
from videoflow.errors import GraphError

__all__ = ["Streams", "TaskModuleNode"]


class Streams(Node):
    """Many sources, one downstream node: each item stays tagged with its stream.

    Args:
        *nodes: Producers or processors that carry different streams.

    Raises:
        GraphError: No nodes, or something that is no node.
    """

    def __init__(self, *nodes: Node) -> None:
        super().__init__(name="streams")
        super().__call__(*nodes)

    def __call__(self, *parents: Node) -> Any:
        """Refuse: the streams are given when it is made."""
        raise GraphError(
            "Streams(...) takes its nodes when it is made, and is not called again"
        )


class TaskModuleNode(Node):
    """A part of a flow that runs in one worker, without messages between its nodes.

    ``entry`` is the only node of the part that takes input from outside, ``exit`` the only
    one whose output goes on. The module is called with the parents of ``entry``.

    Args:
        entry: A processor that was not called yet.
        exit: A processor that is reached from ``entry``, or ``entry`` itself.
        name: Lower case; ``"task_module"`` by default.

    Raises:
        GraphError: ``entry`` has parents already, or ``exit`` is not reached from it.
    """

    def __init__(self, entry: Node, exit: Node, *, name: str = "task_module") -> None:
        super().__init__(name=name)
        self.entry = entry
        self.exit = exit
        if entry.parents:
            raise GraphError(
                f"{name!r}: its entry {entry.name!r} was called with parents already",
                help="call the module with them",
            )
        self._members = self._find_members()

    def __call__(self, *parents: Node) -> TaskModuleNode:
        """Take ``parents`` as the inputs of ``entry``.

        Raises:
            GraphError: As for any node.
        """
        self.entry(*parents)
        return self

    def members(self) -> tuple[Node, ...]:
        """Return all nodes of the part, parents first."""
        return self._members

    def _find_members(self) -> tuple[Node, ...]:
        found: dict[int, Node] = {}

        def visit(node: Node) -> None:
            if id(node) in found:
                return
            if isinstance(node, ProducerNode | ConsumerNode | Streams | TaskModuleNode):
                raise GraphError(
                    f"{self.name!r}: got {node!r} inside, want processors only",
                    help="producers, consumers and merges stay outside the module",
                )
            if node is not self.entry:
                if not node.parents:
                    raise GraphError(
                        f"{self.name!r}: {node.name!r} is not reached from {self.entry.name!r}"
                    )
                for parent in node.parents:
                    visit(parent)
            found[id(node)] = node

        visit(self.exit)
        if id(self.entry) not in found:
            raise GraphError(
                f"{self.name!r}: {self.exit.name!r} is not reached from {self.entry.name!r}"
            )
        return tuple(found.values())
