"""Of which size of picture coordinates are: known before the first frame, and held after it."""

from __future__ import annotations

from collections.abc import Iterator

from videoflow.core.node import Node, ProducerNode
from videoflow.core.wiring import Streams
from videoflow.data.frame import Stamp
from videoflow.errors import ConfigError
from videoflow.processors.object_detector import ObjectDetector
from videoflow.processors.tracker_node import TrackerNode

__all__ = ["known_sizes", "refuse_other_size"]


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


def refuse_other_size(
    node: str, stamp: Stamp, first_hw: tuple[int, int], *, places: str
) -> None:
    """Refuse a frame that is not as large as the first one of its stream.

    Args:
        node: Its name, for the message.
        stamp: Of the frame.
        first_hw: Height and width of the stream's first picture in pixels.
        places: What the node was given in pixels of that, such as ``lines``.

    Raises:
        ConfigError: Another size.
    """
    if stamp.size_hw == first_hw:
        return
    height, width = stamp.size_hw
    raise ConfigError(
        f"{node!r}, stream {stamp.stream!r}, frame {stamp.index}: got a picture of "
        f"{width} x {height}, want {first_hw[1]} x {first_hw[0]} as at first: "
        f"the {places} are in pixels of that",
        help=f"bring all frames to one size first: ResizeTransformer({first_hw})(frames)",
    )
