"""Texts keep clear of each other."""

from __future__ import annotations

from videoflow.vision.places import Places


def test_overlaps_are_seen() -> None:
    """What overlaps by a pixel is not free, what touches is."""
    places = Places((60, 60))
    places.take(10, 10, 20, 20)

    assert not places.is_free(19, 19, 30, 30)
    assert not places.is_free(0, 0, 50, 50)
    assert places.is_free(20, 10, 30, 20)
    assert places.is_free(10, 0, 20, 10)


def test_there_is_room_for_many() -> None:
    """Hundreds of places are remembered."""
    places = Places((10, 2010))
    for number in range(200):
        places.take(10 * number, 0, 10 * number + 5, 5)

    assert not any(places.is_free(10 * n + 4, 4, 10 * n + 6, 6) for n in range(200))
    assert all(places.is_free(10 * n + 5, 0, 10 * n + 10, 5) for n in range(200))


def test_what_reaches_outside_is_taken_inside() -> None:
    """A rectangle that reaches over the rim takes its pixels within, and nothing more."""
    places = Places((60, 60))
    places.take(-9, -9, 5, 5)
    places.take(-20, -20, -10, -10)

    assert not places.is_free(-50, -50, 1, 1)
    assert places.is_free(5, 5, 900, 900)
    assert places.is_free(-9, -9, 0, 0)
