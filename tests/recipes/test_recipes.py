"""A recipe, the config of its name and the command of its name are one flow."""

from __future__ import annotations

from inspect import signature
from pathlib import Path
from typing import Any

import pytest

from videoflow import recipes
from videoflow.app.cli_inputs import command_of
from videoflow.app.config import read_config
from videoflow.app.document import read_document
from videoflow.app.inputs import Settings
from videoflow.app.shipped import find_config
from videoflow.core import Flow
from videoflow.core.graph import GraphNode, Lane
from videoflow.errors import GraphError

# what is said in Python, and the same as text
SAID: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "detect_people": ({"min_score": 0.5, "every": 2}, {"min_score": "0.5", "every": "2"}),
    "track_people": (
        {"model": "yolox_tiny", "batch": 3},
        {"model": "yolox_tiny", "batch": "3"},
    ),
    "count_people": (
        {"line": (0, 360, 1280, 360), "mode": "realtime"},
        {"line": "0,360,1280,360", "mode": "realtime"},
    ),
    "blur_faces": ({"min_score": 0.2, "device": "cpu"}, {"min_score": "0.2", "device": "cpu"}),
    "measure_dwell": ({"zone": (0, 0, 9, 0, 9, 9)}, {"zone": "0,0,9,0,9,9"}),
}
every_recipe = pytest.mark.parametrize("recipe", recipes.__all__)
sources = pytest.mark.parametrize(
    "source",
    [
        pytest.param(["door.mp4"], id="one"),
        pytest.param(["a.mp4", "b.mp4"], id="several"),
        pytest.param(["rtsp://camera/1"], id="live"),
    ],
)


def shape(flow: Flow) -> tuple[object, ...]:
    """Return all that makes a flow: its nodes, what each was told, and its edges."""
    graph = flow.graph()
    names = [node.name for node in graph.nodes]
    nodes = [
        (node.name, type(node.node), told(node.node), ports_by_name(node, names, graph.lanes))
        for node in graph.nodes
    ]
    return graph.name, graph.flow_type, sorted(nodes, key=lambda node: node[0])


def ports_by_name(
    node: GraphNode, names: list[str], lanes: tuple[Lane, ...]
) -> list[list[tuple[str, str]]]:
    return [
        [(names[feed.parent], lanes[feed.lane].name) for feed in port] for port in node.ports
    ]


def told(node: Any) -> list[tuple[str, str]]:
    given = vars(node) | node.options
    return sorted(
        (key, repr(value))
        for key, value in given.items()
        if key not in ("_parents", "_options")
    )


def test_every_recipe_is_told_something_here() -> None:
    """No recipe goes without this test."""
    assert set(SAID) == set(recipes.__all__)


@every_recipe
@sources
@pytest.mark.parametrize("says_more", [False, True], ids=["defaults", "told"])
def test_a_recipe_is_the_config_of_its_name(
    recipe: str, source: list[str], says_more: bool
) -> None:
    """Same nodes, same arguments, same edges."""
    arguments, settings = SAID[recipe] if says_more else ({}, {})
    given = source if len(source) > 1 else source[0]

    in_python = getattr(recipes, recipe)(given, **arguments)
    as_data = read_config(find_config(recipe), settings | {"source": source}).build()

    assert shape(in_python) == shape(as_data)


@every_recipe
@sources
@pytest.mark.parametrize("says_more", [False, True], ids=["defaults", "told"])
def test_a_recipe_is_the_command_of_its_name(
    recipe: str, source: list[str], says_more: bool
) -> None:
    """What the words of the command line make is what the function makes."""
    arguments, settings = SAID[recipe] if says_more else ({}, {})
    pairs = [(f"--{key.replace('_', '-')}", text) for key, text in settings.items()]
    words = [*source, *(word for pair in pairs for word in pair)]
    made: list[Flow] = []

    def act(config: str, given: Settings) -> None:
        made.append(read_config(Path(config), given).build())

    command = command_of(recipe, find_config(recipe), act)
    command.main(words, standalone_mode=False)

    given = source if len(source) > 1 else source[0]
    assert [shape(flow) for flow in made] == [
        shape(getattr(recipes, recipe)(given, **arguments))
    ]


@every_recipe
def test_a_recipe_takes_what_its_config_takes(recipe: str) -> None:
    """The arguments of the function and the inputs of the config have the same names."""
    inputs = read_document(find_config(recipe)).data["inputs"]

    assert list(signature(getattr(recipes, recipe)).parameters) == list(inputs)


def test_the_shape_of_a_flow_tells_arguments_apart() -> None:
    """The comparison sees one number that differs."""
    flows = [recipes.count_people("door.mp4", line=(0, 0, 9, y)) for y in (8, 9)]

    assert shape(flows[0]) != shape(flows[1])


@pytest.mark.parametrize(
    ("source", "out", "path"),
    [
        pytest.param("a.mp4", "o", "o/annotated.mp4", id="one"),
        pytest.param(["a.mp4", "b.mp4"], "o", "o/{stream}/annotated.mp4", id="several"),
        pytest.param(["a.mp4", "b.mp4"], "{stream}-o", "{stream}-o/annotated.mp4", id="named"),
    ],
)
def test_each_of_several_streams_has_its_folder(
    source: str | list[str], out: str, path: str
) -> None:
    """Streams never write over each other, and nobody has to know why."""
    flow = recipes.track_people(source, out=out)

    assert vars(flow["write-video"])["_path"] == path


def test_a_live_source_makes_a_live_flow(tmp_path: Path) -> None:
    """A camera drops frames, a file does not, and whoever says so decides."""
    flows = [
        recipes.detect_people("rtsp://camera/1"),
        recipes.detect_people("door.mp4"),
        recipes.detect_people("rtsp://camera/1", mode="batch"),
    ]

    assert [flow.graph().flow_type for flow in flows] == ["realtime", "batch", "batch"]


@pytest.mark.parametrize("num", [2, 3, 5], ids=str)
def test_a_line_has_four_numbers(num: int) -> None:
    """A number too few or too many is refused, and none is passed over."""
    with pytest.raises(GraphError, match="line 'line': got"):
        recipes.count_people("door.mp4", line=tuple(range(num)))  # type: ignore[arg-type] # so
