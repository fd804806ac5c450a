from __future__ import annotations

import numpy as np
import pytest

from videoflow.data import Detections, Stamp
from videoflow.vision.faces import FaceMemory, FaceRegion, face_regions, heads_of_boxes

SIZE = (480, 640)
STAMP = Stamp("camera", 0, 0.0, SIZE)
STANDING = (100.0, 100.0, 160.0, 300.0)
NAN = float("nan")


def _people(*boxes: tuple[float, ...], keypoints: np.ndarray | None = None) -> Detections:
    rows = np.array(boxes, np.float32).reshape(-1, 4)
    return Detections(
        STAMP,
        rows,
        np.full(len(rows), 0.5, np.float32),
        np.zeros(len(rows), np.int64),
        keypoints=keypoints,
    )


def _keypoints(seen: dict[int, tuple[float, float]]) -> np.ndarray:
    points = np.zeros((1, 17, 3), np.float32)
    for index, (x, y) in seen.items():
        points[0, index] = (x, y, 0.9)
    return points


@pytest.mark.parametrize(
    ("box", "head"),
    [
        pytest.param((100, 100, 160, 300), (100, 100, 160, 160), id="standing"),
        pytest.param((100, 100, 200, 250), (100, 100, 200, 175), id="sitting"),
        pytest.param((100, 100, 300, 180), (100, 100, 300, 180), id="lying"),
        pytest.param((100, 100, 200, 200), (100, 100, 200, 175), id="upper half"),
    ],
)
def test_the_head_is_in_the_upper_part_of_a_box(
    box: tuple[float, ...], head: tuple[float, ...]
) -> None:
    """Of who stands 30 %, of who sits or is near more, of who lies all."""
    np.testing.assert_allclose(heads_of_boxes(np.array([box], float)), [head])


@pytest.mark.parametrize(
    ("region", "want"),
    [
        pytest.param("auto", (94, 94, 166, 166), id="auto"),
        pytest.param("head", (94, 94, 166, 166), id="head"),
        pytest.param("box", (94, 80, 166, 320), id="box"),
    ],
)
def test_a_region_has_a_margin(region: FaceRegion, want: tuple[float, ...]) -> None:
    """A tenth of each side is added on each side."""
    got = face_regions(_people(STANDING), region=region)

    np.testing.assert_allclose(got, [want])


def test_nobody_has_no_faces() -> None:
    """Nothing in, nothing out."""
    assert face_regions(_people()).shape == (0, 4)


def test_what_is_no_box_has_no_face() -> None:
    """Boxes without size or not a number are left out; the others stay."""
    people = _people((NAN, 1, 2, 3), (5, 5, 5, 50), STANDING, (9, 9, 1, 1))

    np.testing.assert_allclose(face_regions(people, region="box", margin=0), [STANDING])


@pytest.mark.parametrize(
    ("seen", "inside"),
    [
        pytest.param(
            {0: (130, 250), 1: (135, 245), 2: (125, 245), 3: (140, 248), 4: (120, 248)},
            (118, 236, 142, 266),
            id="whole face, bent down",
        ),
        pytest.param({3: (140, 248)}, (128, 236, 152, 260), id="one ear from behind"),
        pytest.param(
            {0: (130, 250), 5: (160, 290), 6: (100, 290)},
            (108, 230, 152, 270),
            id="a nose and wide shoulders",
        ),
    ],
)
def test_keypoints_say_where_the_head_is(
    seen: dict[int, tuple[float, float]], inside: tuple[float, ...]
) -> None:
    """With keypoints the region is around the head, wherever in the box that is."""
    ((left, top, right, bottom),) = face_regions(_people(STANDING, keypoints=_keypoints(seen)))

    assert left <= inside[0]
    assert top <= inside[1]
    assert right >= inside[2]
    assert bottom >= inside[3]
    assert bottom - top < 120  # not the whole person


@pytest.mark.parametrize(
    "keypoints",
    [
        pytest.param(_keypoints({}), id="none seen"),
        pytest.param(_keypoints({15: (130, 290)}), id="an ankle"),
        pytest.param(_keypoints({0: (NAN, 250)}), id="not a number"),
        pytest.param(np.ones((1, 5, 3), np.float32), id="another skeleton"),
    ],
)
def test_without_a_head_among_the_keypoints_the_box_counts(keypoints: np.ndarray) -> None:
    """Nobody is left unhidden because their face was not found."""
    got = face_regions(_people(STANDING, keypoints=keypoints))

    np.testing.assert_allclose(got, face_regions(_people(STANDING)))


def _update(
    memory: FaceMemory, found: list[tuple[float, ...]] | None, now: float
) -> list[list[float]]:
    rows = None if found is None else np.array(found, float).reshape(-1, 4)
    regions = memory.update(rows, now_seconds=now, size_hw=SIZE)
    rounded: list[list[float]] = regions.round(6).tolist()
    return rounded


A, B = (10.0, 10.0, 30.0, 30.0), (200.0, 200.0, 240.0, 240.0)


def test_before_the_first_look_the_whole_picture_is_hidden() -> None:
    """As long as nobody looked, a face may be anywhere."""
    memory = FaceMemory()

    assert _update(memory, None, 0.0) == [[0, 0, 640, 480]]
    assert _update(memory, [], 0.1) == []
    assert _update(memory, None, 0.2) == []


def test_a_frame_nobody_looked_at_hides_what_was_seen_and_more() -> None:
    """Regions grow with the time since the look, up to the time of holding."""
    memory = FaceMemory(hold_seconds=0.5, growth_per_second=2.0)
    _update(memory, [A], 0.0)

    assert _update(memory, None, 0.1) == [[6, 6, 34, 34]]
    assert _update(memory, None, 0.2) == [[2, 2, 38, 38]]
    assert _update(memory, None, 9.0) == _update(memory, None, 0.5) == [[-10, -10, 50, 50]]


def test_a_face_that_is_missed_once_stays_hidden() -> None:
    """It is hidden for half a second after it was last found, and then no longer."""
    memory = FaceMemory(hold_seconds=0.5, growth_per_second=0.0)
    _update(memory, [A, B], 0.0)

    assert _update(memory, [B], 0.3) == [list(B), list(A)]
    assert _update(memory, [B], 0.5) == [list(B), list(A)]
    assert _update(memory, [B], 0.6) == [list(B)]


def test_a_face_that_is_found_again_is_not_hidden_twice() -> None:
    """A region is given up for the new one that overlaps it."""
    memory = FaceMemory()
    _update(memory, [A], 0.0)

    assert _update(memory, [(15, 10, 35, 30)], 0.1) == [[15, 10, 35, 30]]


def test_a_neighbour_does_not_uncover_who_was_missed() -> None:
    """One new region takes the place of one old one only."""
    memory = FaceMemory(growth_per_second=0.0)
    beside = (24.0, 10.0, 44.0, 30.0)
    _update(memory, [A, beside], 0.0)

    assert sorted(_update(memory, [beside], 0.1)) == sorted([list(beside), list(A)])


def test_a_file_that_begins_again_forgets_its_end() -> None:
    """Time that jumps back is a jump: what was seen long after is not held."""
    memory = FaceMemory(hold_seconds=0.5)
    _update(memory, [A], 60.0)

    assert _update(memory, [B], 0.0) == [list(B)]


@pytest.mark.parametrize("region", ["auto", "head", "box"])
def test_infinite_boxes_and_keypoints_are_no_faces(region: FaceRegion) -> None:
    """What is not finite is left out, without a word, and the others are found all the same."""
    inf = float("inf")
    points = np.zeros((4, 17, 3), np.float32)
    points[:2, 0] = (inf, 5, 0.9)
    people = _people(
        (0, 0, inf, inf),
        (-inf, -inf, inf, inf),
        (inf, inf, inf, inf),
        STANDING,
        keypoints=points,
    )

    got = face_regions(people, region=region, margin=0)

    np.testing.assert_allclose(got, face_regions(_people(STANDING), region=region, margin=0))


@pytest.mark.parametrize("unknown", [NAN, float("inf")], ids=["nan", "inf"])
def test_a_frame_without_a_time_shows_no_face(unknown: float) -> None:
    """A face stays hidden, found or missed, where the source tells no time."""
    face = np.array([[10.0, 10, 20, 20]])
    memory = FaceMemory(hold_seconds=0.5, growth_per_second=0)

    looks = [
        memory.update(found, now_seconds=now, size_hw=SIZE)
        for found, now in (
            (face, unknown),
            (None, unknown),
            (face[:0], unknown),
            (face, 1.0),
            (face[:0], unknown),
            (None, 1.1),
        )
    ]

    for got in looks:
        np.testing.assert_array_equal(got, face)
