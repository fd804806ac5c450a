"""How large the pictures are that a node's input was found in, as far as it is known before."""

from __future__ import annotations

from collections.abc import Iterator

from videoflow.core.node import Node, ProducerNode
from videoflow.core.wiring import Streams
from videoflow.processors.object_detector import ObjectDetector
from videoflow.processors.tracker_node import TrackerNode

__all__ = ["known_sizes"]


def known_sizes(node: Node) -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield stream and size, height and width in pixels, of each source that tells it.

    Goes up from a node's first input. Detectors and trackers leave coordinates as they are; of
    what comes from any other node nothing is known.
    """
    for parent in node.parents[:1]:
        yield from _sizes_of(parent)


def _sizes_of(node: Node) -> Iterator[tuple[str, tuple[int, int]]]:
    if isinstance(node, ProducerNode):
        if node.size_hw is not None:
            yield node.stream, node.size_hw
    elif isinstance(node, Streams):
        for parent in node.parents:
            yield from _sizes_of(parent)
    elif isinstance(node, ObjectDetector | TrackerNode):
        yield from known_sizes(node)
