"""Lines and polygons that nobody in the picture can cross are known."""

from __future__ import annotations

import pytest

from videoflow.data import Line, Polygon
from videoflow.vision.counting import line_touches_picture, polygon_touches_picture

SIZE = (100, 200)


@pytest.mark.parametrize(
    ("line", "want"),
    [
        pytest.param(Line((0, 50), (100, 50)), True, id="inside"),
        pytest.param(Line((-50, 50), (500, 50)), True, id="through"),
        pytest.param(Line((-10, 20), (20, -10)), True, id="cuts a corner"),
        pytest.param(Line((-30, 20), (20, -30)), False, id="misses the corner"),
        pytest.param(Line((0, 100), (100, 100)), True, id="on the rim"),
        pytest.param(Line((0, 101), (100, 101)), False, id="below"),
        pytest.param(Line((300, 0), (300, 100)), False, id="beside"),
    ],
)
def test_line_touches_picture(line: Line, want: bool) -> None:
    """A line that lies wholly outside the picture is known."""
    assert line_touches_picture(line, SIZE) is want


@pytest.mark.parametrize(
    ("corners", "want"),
    [
        pytest.param(((10, 10), (20, 10), (20, 20)), True, id="inside"),
        pytest.param(((-10, -10), (20, -10), (20, 20)), True, id="over a corner"),
        pytest.param(((-500, -500), (500, -500), (500, 500), (-500, 500)), True, id="around"),
        pytest.param(((210, 0), (300, 0), (300, 90)), False, id="beside"),
        pytest.param(((-30, -30), (300, -30), (300, -10), (-30, -10)), False, id="above"),
    ],
)
def test_polygon_touches_picture(corners: tuple[tuple[float, float], ...], want: bool) -> None:
    """A zone that lies wholly outside the picture is known; one around it is not outside."""
    assert polygon_touches_picture(Polygon(corners), SIZE) is want
