"""A flow as data: from a YAML file to a ``Flow``.

    flow:                                # all of it may be left out
      name: count-people
      type: batch                        # or realtime, or auto: as the sources are
    inputs:                              # what the command line may say, or must
      source: {help: a video file}
      device: {default: auto}
    nodes:
      read:                              # the node's name
        type: VideoFileReader            # or package.module:ClassName
        path: ${source}                  # all else: the arguments of the class
        device: ${device}
      detect:
        type: ObjectDetector
        from: read                       # the parent, or a list of parents
      ...

Everything is checked before any node is made, and every message says file, line and key. A
config names classes to import: treat one from a stranger like a script from a stranger.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from videoflow.app.arguments import Argument
from videoflow.app.document import Document, read_document
from videoflow.app.inputs import Settings, explained, resolve_inputs, substitute
from videoflow.app.node_config import NodeConfig, convert_all, read_node
from videoflow.app.spelling import unknown_word
from videoflow.core.node import ConsumerNode, Node, ProducerNode
from videoflow.core.wiring import Streams
from videoflow.errors import ConfigError

if TYPE_CHECKING:
    from videoflow.core.flow import Flow

__all__ = ["FLOW_KEYS", "FlowConfig", "check_sections", "read_config"]

_SECTIONS: Final = ("flow", "inputs", "nodes")
FLOW_KEYS: Final = {
    "name": Argument(str, "str"),
    "type": Argument(
        Literal["auto", "realtime", "batch"], "one of 'auto', 'realtime', 'batch'"
    ),
    "placement": Argument(
        Literal["auto", "process", "fused"], "one of 'auto', 'process', 'fused'"
    ),
    "tickets": Argument(int | None, "int or null"),
}


@dataclass(frozen=True, slots=True)
class FlowConfig:
    """A checked config: every name is known, every value fits.

    Attributes:
        document: The file, for messages.
        options: For ``Flow``.
        nodes: Parents before their children.
    """

    document: Document = field(repr=False)
    options: dict[str, Any]
    nodes: tuple[NodeConfig, ...]

    def build(self, *, placement: str | None = None) -> Flow:
        """Make the nodes and the flow.

        Args:
            placement: Instead of the config's own.

        Raises:
            ConfigError: A node refuses its arguments.
            GraphError: The nodes make no flow.
        """
        from videoflow.core.flow import Flow

        made: dict[str, Node] = {}
        for node in self.nodes:
            parents = [made[parent] for parent in node.parents]
            with explained(self.document, "nodes", node.name):
                if node.node_class is Streams:
                    made[node.name] = Streams(*parents)
                    continue
                made[node.name] = node.node_class(**node.arguments)
                if parents:
                    made[node.name](*parents)
        sources = {node: None for one in made.values() for node in (one, *one.parents)}
        return Flow(
            [node for node in sources if isinstance(node, ProducerNode)],
            [node for node in made.values() if isinstance(node, ConsumerNode)],
            **self.options | ({"placement": placement} if placement else {}),
        )


def read_config(path: Path, settings: Settings) -> FlowConfig:
    """Read and check a config.

    Args:
        path: The YAML file.
        settings: Input to text, or to several, as the command line gives them.

    Raises:
        ConfigError: Anything that is wrong in the file or in ``settings``.
    """
    document = read_document(path)
    check_sections(document)
    inputs = resolve_inputs(document, settings)
    flow = substitute(document, document.data.get("flow") or {}, ("flow",), inputs)
    bodies = substitute(document, document.data["nodes"], ("nodes",), inputs)
    options = {"name": path.stem} | convert_all(document, ("flow",), flow, FLOW_KEYS)
    if "type" in options:
        options["flow_type"] = options.pop("type")
    nodes = {name: read_node(document, name, body, bodies) for name, body in bodies.items()}
    names = _in_order(document, nodes)
    _check_reach(document, nodes)
    return FlowConfig(document, options, tuple(nodes[name] for name in names))


def check_sections(document: Document) -> None:
    """Refuse a file that is no config at first sight.

    Raises:
        ConfigError: No mapping, a key that there is not, or no nodes.
    """
    with document.at():
        if not isinstance(document.data, dict):
            raise ConfigError(
                f"got {type(document.data).__name__}, want a mapping",
                help="a config has the keys flow, inputs and nodes",
            )
    for key, section in document.data.items():
        with document.at(key):
            if key not in _SECTIONS:
                raise unknown_word("key", key, _SECTIONS)
            if not isinstance(section, dict | None):
                raise ConfigError(
                    f"got {section!r}, want a mapping", help="below it: NAME: VALUE, set in"
                )
    with document.at():
        if not document.data.get("nodes"):
            raise ConfigError(
                "got no nodes, want nodes: with a name and a type for each",
                help="videoflow new config flow.yaml writes an example",
            )


def _in_order(document: Document, nodes: Mapping[str, NodeConfig]) -> list[str]:
    """Return the names, parents before children."""
    try:
        return list(TopologicalSorter({n: c.parents for n, c in nodes.items()}).static_order())
    except CycleError as error:
        circle = list(reversed(error.args[1]))
        raise document.error(
            ("nodes", circle[0], "from"),
            f"got a circle: {' <- '.join(circle)}",
            help="take one of these names away from a from:",
        ) from error


def _check_reach(document: Document, nodes: Mapping[str, NodeConfig]) -> None:
    """Refuse a consumer as a parent, and a node whose output nobody takes."""
    used = {parent for node in nodes.values() for parent in node.parents}
    for name, node in nodes.items():
        is_consumer = issubclass(node.node_class, ConsumerNode)
        if is_consumer and name in used:
            child = next(n for n, other in nodes.items() if name in other.parents)
            raise document.error(
                ("nodes", child, "from"),
                f"got {name!r}, a {node.node_class.__name__}, which has no output",
            )
        if not is_consumer and name not in used:
            raise document.error(
                ("nodes", name),
                "nobody takes what this node puts out",
                help=f"take the node away, or say from: {name} in another one",
            )
