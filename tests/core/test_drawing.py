from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from itertools import pairwise

import pytest

from videoflow.consumers import VoidConsumer
from videoflow.core import Flow
from videoflow.core.drawing import _lay_out
from videoflow.errors import GraphError
from videoflow.processors import IdentityProcessor, JoinerProcessor
from videoflow.producers import IntProducer


def diamond(*, name: str = "a") -> Flow:
    """Return a flow with two ways of different length, and an edge that passes a row."""
    count = IntProducer(0, 3, name="count")
    a = IdentityProcessor(name=name)(count)
    b = IdentityProcessor(name="b")(a)
    both = JoinerProcessor(name="both")(count, b)
    return Flow([count], [VoidConsumer(name="end")(both), VoidConsumer(name="early")(a)])


def test_text_is_a_tree_that_names_the_other_parents() -> None:
    """Each node stands once, below its last parent, with the rest beside it."""
    assert diamond().draw() == (
        "count            IntProducer\n"
        "└─ a             IdentityProcessor\n"
        "   ├─ b          IdentityProcessor\n"
        "   │  └─ both    JoinerProcessor  and from count\n"
        "   │     └─ end  VoidConsumer\n"
        "   └─ early      VoidConsumer"
    )


def test_mermaid_has_every_node_and_every_edge() -> None:
    """A page of Markdown can show the flow."""
    lines = diamond().draw("mermaid").splitlines()

    names = dict(re.findall(r"(n\d)\W+(\w+)<br>", "\n".join(lines)))
    edges = [re.findall(r"n\d", line) for line in lines if "-->" in line]
    assert lines[0] == "flowchart TD"
    assert {(names[a], names[b]) for a, b in edges} == {
        ("count", "a"),
        ("a", "b"),
        ("count", "both"),
        ("b", "both"),
        ("both", "end"),
        ("a", "early"),
    }


def test_svg_is_well_formed_and_says_every_name() -> None:
    """The picture stands alone, and a name cannot break it."""
    flow = diamond(name="a<b&c")

    root = ET.fromstring(flow.draw("svg"))

    texts = {text.text for text in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {"count", "a<b&c", "b", "both", "end", "early", "VoidConsumer"} <= texts
    assert flow._repr_html_() == flow.draw("svg")


def test_boxes_stand_below_their_parents_and_apart() -> None:
    """No two boxes of a row overlap, none is cut off, and no edge leads upwards."""
    rows = _lay_out(diamond().graph())

    for row in rows:
        for left, right in pairwise(row):
            assert left.x + left.width / 2 < right.x - right.width / 2
        for place in row:
            assert place.x - place.width / 2 >= 0
            assert all(parent.row == place.row - 1 for parent in place.parents)


def test_a_flow_of_one_edge_is_drawn() -> None:
    """The least flow that there is."""
    count = IntProducer(0, 3, name="count")
    flow = Flow([count], [VoidConsumer(name="end")(count)])

    assert flow.draw() == "count   IntProducer\n└─ end  VoidConsumer"
    assert ET.fromstring(flow.draw("svg")) is not None


def test_another_form_is_refused() -> None:
    """The message lists the forms."""
    with pytest.raises(GraphError, match="want one of text, mermaid, svg"):
        diamond().draw("pdf")  # type: ignore[arg-type] # that is the test
