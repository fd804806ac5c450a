"""A flow as a drawing: lines of text, Mermaid, or SVG.

Nodes stand in rows, each below all its parents; within a row they stand below the middle of
their parents. An edge that passes rows bends around the nodes in them.

Source: K. Sugiyama, S. Tagawa, M. Toda, "Methods for Visual Understanding of Hierarchical
System Structures", IEEE Trans. SMC 11 (1981): layers, places held for long edges, barycentres.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from html import escape
from typing import Final, Literal

from videoflow.core.graph import Graph, GraphNode
from videoflow.core.node import ConsumerNode, ProducerNode
from videoflow.errors import GraphError

__all__ = ["DrawingForm", "draw_graph"]

DrawingForm = Literal["text", "mermaid", "svg"]

_NUM_SWEEPS: Final = 4
_BOX_HEIGHT_PX: Final = 40
_ROW_HEIGHT_PX: Final = 76
_GAP_PX: Final = 24
_CHARACTER_PX: Final = 7.2
_FILLS: Final = {"producer": "#d9ead3", "processor": "#dae8fc", "consumer": "#fde9d0"}


def draw_graph(graph: Graph, form: DrawingForm = "text") -> str:
    """Return ``graph`` as a drawing.

    Args:
        graph: What to draw.
        form: ``text`` for a terminal, ``mermaid`` for Markdown, ``svg`` for a page.

    Raises:
        GraphError: Another form.
    """
    forms: dict[str, Callable[[Graph], str]] = {
        "text": _as_text,
        "mermaid": _as_mermaid,
        "svg": _as_svg,
    }
    if form not in forms:
        raise GraphError(f"got form={form!r}, want one of {', '.join(forms)}")
    return forms[form](graph)


def _type_of(node: GraphNode) -> str:
    return type(node.node).__name__


def _role_of(node: GraphNode) -> str:
    if isinstance(node.node, ProducerNode):
        return "producer"
    return "consumer" if isinstance(node.node, ConsumerNode) else "processor"


def _as_text(graph: Graph) -> str:
    """Return a tree: each node below its last parent, with the others named beside it."""
    children: dict[int, list[int]] = {}
    for node in graph.nodes:
        if node.ports:
            children.setdefault(max(graph.parents(node.index)), []).append(node.index)
    rows: list[tuple[str, str]] = []

    def visit(index: int, stem: str, turn: str) -> None:
        node = graph.nodes[index]
        others = [graph.nodes[p].name for p in graph.parents(index)]
        others.remove(graph.nodes[max(graph.parents(index))].name) if others else None
        also = f"  and from {', '.join(others)}" if others else ""
        rows.append((f"{stem}{turn}{node.name}", f"{_type_of(node)}{also}"))
        below = children.get(index, [])
        stem += {"": "", "├─ ": "│  ", "└─ ": "   "}[turn]
        for child in below:
            visit(child, stem, "└─ " if child == below[-1] else "├─ ")

    for source in graph.sources:
        visit(source, "", "")
    width = max(len(left) for left, _ in rows)
    return "\n".join(f"{left.ljust(width)}  {right}" for left, right in rows)


def _as_mermaid(graph: Graph) -> str:
    """Return a flowchart."""
    shapes = {"producer": '(["{}"])', "processor": '["{}"]', "consumer": '[["{}"]]'}
    lines = ["flowchart TD"]
    for node in graph.nodes:
        label = f"{node.name}<br>{_type_of(node)}".replace('"', "#quot;")
        lines.append(f"    n{node.index}{shapes[_role_of(node)].format(label)}")
    for node in graph.nodes:
        lines += [f"    n{parent} --> n{node.index}" for parent in graph.parents(node.index)]
    return "\n".join(lines)


@dataclass(slots=True, eq=False)
class _Place:
    """A node in its row, or (node is None) the way of an edge through a row."""

    node: GraphNode | None
    row: int
    parents: list[_Place] = field(default_factory=list)
    children: list[_Place] = field(default_factory=list)
    x: float = 0.0  # of its middle

    @property
    def width(self) -> float:
        if self.node is None:
            return 12.0
        return 20 + _CHARACTER_PX * max(len(self.node.name), len(_type_of(self.node)))

    @property
    def top(self) -> float:
        return self.row * _ROW_HEIGHT_PX + 2

    @property
    def bottom(self) -> float:
        return self.top + _BOX_HEIGHT_PX


def _as_svg(graph: Graph) -> str:
    """Return a picture that stands alone, black on pale boxes on a white ground."""
    rows = _lay_out(graph)
    places = [place for row in rows for place in row]
    width = max(place.x + place.width / 2 for place in places) + 2
    height = len(rows) * _ROW_HEIGHT_PX - (_ROW_HEIGHT_PX - _BOX_HEIGHT_PX) + 4
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height}" '
        f'viewBox="0 0 {width:.0f} {height}" font-family="sans-serif" font-size="12" '
        'text-anchor="middle" role="img">'
    )
    parts = [head, f"<title>flow {escape(graph.name)}</title>"]
    parts.append(f'<rect width="{width:.0f}" height="{height}" fill="#ffffff"/>')
    parts += [_edge(parent, place) for place in places for parent in place.parents]
    parts += [_box(place, place.node) for place in places if place.node is not None]
    return "\n".join([*parts, "</svg>"])


def _lay_out(graph: Graph) -> list[list[_Place]]:
    """Return the rows, each from left to right, with the places' middles settled."""
    placed: list[_Place] = []
    rows: list[list[_Place]] = []

    def put(node: GraphNode | None, row: int) -> _Place:
        place = _Place(node, row)
        rows.extend([] for _ in range(row + 1 - len(rows)))
        rows[row].append(place)
        return place

    for node in graph.nodes:
        parents = [placed[index] for index in graph.parents(node.index)]
        here = put(node, max((parent.row for parent in parents), default=-1) + 1)
        placed.append(here)
        for parent in parents:
            for row in range(parent.row + 1, here.row):
                way = put(None, row)
                _tie(parent, way)
                parent = way
            _tie(parent, here)
    for sweep in range(_NUM_SWEEPS):
        for row_of_places in rows if sweep % 2 == 0 else reversed(rows):
            _settle(row_of_places, looks_up=sweep % 2 == 0)
    left = min(place.x - place.width / 2 for row in rows for place in row)
    for place in (place for row in rows for place in row):
        place.x += 2 - left
    return rows


def _tie(parent: _Place, child: _Place) -> None:
    parent.children.append(child)
    child.parents.append(parent)


def _settle(row: list[_Place], *, looks_up: bool) -> None:
    """Order a row by the middles of its neighbours, and place it around them."""
    wanted = {}
    for number, place in enumerate(row):
        near = place.parents if looks_up else place.children
        middle = sum(one.x for one in near) / len(near) if near else place.x
        wanted[id(place)] = (middle, number)
    row.sort(key=lambda place: wanted[id(place)])
    edge = float("-inf")
    for place in row:
        place.x = max(wanted[id(place)][0], edge + place.width / 2)
        edge = place.x + place.width / 2 + _GAP_PX
    # What was pushed to the right moves back by the mean push.
    push = sum(place.x - wanted[id(place)][0] for place in row) / len(row)
    for place in row:
        place.x -= push


def _edge(parent: _Place, child: _Place) -> str:
    start = parent.top if parent.node is None else parent.bottom
    bend = (child.top - parent.bottom) / 2
    way = f"M{parent.x:.0f} {start:.0f}L{parent.x:.0f} {parent.bottom:.0f}"
    way += (
        f"C{parent.x:.0f} {parent.bottom + bend:.0f} {child.x:.0f} {child.top - bend:.0f} "
        f"{child.x:.0f} {child.top:.0f}"
    )
    head = ""
    if child.node is not None:
        head = f"M{child.x - 4:.0f} {child.top - 6:.0f}l4 6l4 -6"
    return f'<path d="{way}{head}" fill="none" stroke="#666666"/>'


def _box(place: _Place, node: GraphNode) -> str:
    return (
        f'<rect x="{place.x - place.width / 2:.0f}" y="{place.top:.0f}" rx="5" '
        f'width="{place.width:.0f}" height="{_BOX_HEIGHT_PX}" fill="{_FILLS[_role_of(node)]}" '
        'stroke="#666666"/>'
        f'<text x="{place.x:.0f}" y="{place.top + 17:.0f}" font-weight="bold" '
        f'fill="#000000">{escape(node.name)}</text>'
        f'<text x="{place.x:.0f}" y="{place.top + 33:.0f}" fill="#333333">'
        f"{escape(_type_of(node))}</text>"
    )
