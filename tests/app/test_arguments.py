from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import pytest

from videoflow.app.arguments import Argument, arguments_of, convert
from videoflow.app.inputs import SetText
from videoflow.core.node import BatchProcessorNode
from videoflow.data import Line
from videoflow.errors import ConfigError

Corners = tuple[float, float, float, float]


class Sample(BatchProcessorNode):
    def __init__(self, path: str | Path, *, mode: Literal["a", "b"] = "a", **o: Any) -> None:
        super().__init__(**o)

    def process_batch(self, batch: Sequence[Any]) -> Sequence[Any]:
        return batch


def test_knows_what_a_class_can_be_told() -> None:
    """The constructor's arguments and the options of every node, with types in words."""
    found = arguments_of(Sample)

    assert found["path"].is_required
    assert found["path"].want == "str | Path"
    assert found["mode"].want == "one of 'a', 'b'"
    assert found["nb_tasks"].want == "int"
    assert found["num_threads"].want == "int or null"
    assert "o" not in found


def test_options_that_are_handed_on_are_known() -> None:
    """What a class hands to its parent by **options can be told to the class."""
    found = arguments_of(Sample)

    assert found["max_batch_size"].want == "int"
    assert found["max_per_stream"].want == "int or null"


@pytest.mark.parametrize(
    ("value", "annotation", "want"),
    [
        pytest.param(3, float, 3.0, id="int-to-float"),
        pytest.param([0, 1, 2, 3], Corners, (0.0, 1.0, 2.0, 3.0), id="list-to-tuple"),
        pytest.param(None, Corners | None, None, id="null"),
        pytest.param("a.mp4", str | Path, "a.mp4", id="str-before-path"),
        pytest.param(["person"], Sequence[str] | None, ["person"], id="sequence"),
        pytest.param(
            {"start": [0, 1], "end": [2, 1]},
            Line,
            Line((0.0, 1.0), (2.0, 1.0)),
            id="data-class",
        ),
        pytest.param({"any": 1}, Any, {"any": 1}, id="anything"),
        pytest.param([], list[str], [], id="empty"),
    ],
)
def test_takes_what_a_data_format_can_say(value: Any, annotation: Any, want: Any) -> None:
    """Values of a file become the argument's type, without guessing."""
    assert convert(value, Argument(annotation, "")) == want


@pytest.mark.parametrize(
    ("text", "annotation", "want"),
    [
        pytest.param("8", int, 8, id="int"),
        pytest.param("8", str, "8", id="number-as-str"),
        pytest.param("true", bool, True, id="bool"),
        pytest.param("null", int | None, None, id="null"),
        pytest.param("0, 5,9.5,5", Corners | None, (0.0, 5.0, 9.5, 5.0), id="numbers"),
        pytest.param("person", list[str], ["person"], id="one-word"),
        pytest.param("1,2", list[str], ["1", "2"], id="numbers-as-words"),
        pytest.param("a", Literal["a", "b"], "a", id="literal"),
        pytest.param("/dev/video0", str | Path, "/dev/video0", id="path"),
        pytest.param("0.5", Any, 0.5, id="anything"),
    ],
)
def test_takes_what_a_command_line_can_say(text: str, annotation: Any, want: Any) -> None:
    """A text from --set becomes whatever the argument wants."""
    assert convert(SetText(text, "x=?"), Argument(annotation, "")) == want


@pytest.mark.parametrize(
    ("value", "annotation"),
    [
        pytest.param("8", int, id="str-for-int"),
        pytest.param(True, int, id="bool-for-int"),
        pytest.param(1, bool, id="int-for-bool"),
        pytest.param(0.5, int, id="float-for-int"),
        pytest.param("person", list[str], id="str-for-list"),
        pytest.param([0, 1, 2], Corners, id="three-numbers"),
        pytest.param(SetText("0,1,2", "x=?"), Corners, id="three-numbers-set"),
        pytest.param(SetText("", "x=?"), int, id="empty-set"),
        pytest.param(None, int, id="null"),
        pytest.param("print", Callable[[], None], id="function"),
        pytest.param({"start": [0, 0], "end": [0, 0]}, Line, id="data-class-refuses"),
    ],
)
def test_refuses_what_does_not_fit(value: Any, annotation: Any) -> None:
    """Nothing is bent into a type that it does not have."""
    with pytest.raises(ConfigError, match=r"got .*, want the right one"):
        convert(value, Argument(annotation, "the right one"))


def test_a_setting_that_does_not_fit_says_what_the_input_is() -> None:
    """The words of the config say more than the name of a type."""
    value = SetText("abc", "line=abc", "x1,y1,x2,y2 in pixels")

    with pytest.raises(ConfigError, match="help: line is: x1,y1,x2,y2 in pixels"):
        convert(value, Argument(list[float], "list[float]"))
