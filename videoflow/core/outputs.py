"""What the consumers of a flow write, seen together: no path may have two writers.

Each node looks at its own path in ``check()``; only the flow knows the others.
"""

from __future__ import annotations

import os

from videoflow.core.graph import Graph, GraphNode
from videoflow.core.node import ConsumerNode
from videoflow.errors import OutputError

__all__ = ["check_outputs"]


def check_outputs(graph: Graph) -> None:
    """Refuse two consumers that write one file, however each of them spells its path.

    Raises:
        OutputError: Names both nodes and the file.
    """
    writers: dict[str, GraphNode] = {}
    for here in graph.nodes:
        for path in sorted(_paths(graph, here)):
            other = writers.setdefault(path, here)
            if other is not here and not _may_share(other, here):
                raise OutputError(
                    f"flow {graph.name!r}: {other.name!r} and {here.name!r} both write "
                    f"{path}, want a path for each",
                    help=f"give {here.name!r} another path",
                )


def _paths(graph: Graph, here: GraphNode) -> set[str]:
    if not isinstance(here.node, ConsumerNode):
        return set()
    outputs = (here.node.output_path(graph.lanes[lane].name) for lane in here.lanes)
    return {os.path.realpath(output) for output in outputs if output is not None}


def _may_share(one: GraphNode, other: GraphNode) -> bool:
    kind = type(one.node)
    return kind is type(other.node) and issubclass(kind, ConsumerNode) and kind.shares_output
