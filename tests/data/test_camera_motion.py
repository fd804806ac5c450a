"""Camera motion, and the files that hold it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from videoflow.data import CameraMotion, Stamp, compose_warps, read_warps
from videoflow.errors import ShapeError, SourceError

STAMP = Stamp("cam", 1, 0.1, (90, 160))


def test_warps_are_applied_in_their_order() -> None:
    """A composed warp takes a point where the single ones take it, one after another."""
    warps = np.random.default_rng(3).normal(size=(4, 2, 3))
    point = np.array([3.0, 5.0])

    there = point
    for warp in warps:
        there = warp @ [*there, 1]

    np.testing.assert_allclose(compose_warps(warps) @ [*point, 1], there)
    np.testing.assert_array_equal(compose_warps(warps[:0]), [[1, 0, 0], [0, 1, 0]])
    np.testing.assert_array_equal(compose_warps(warps[:1]), warps[0])


@pytest.mark.parametrize(
    "warp",
    [
        pytest.param(np.eye(3), id="3 x 3"),
        pytest.param(np.zeros((2, 3), np.float32), id="float32"),
        pytest.param(np.full((2, 3), np.nan), id="nan"),
    ],
)
def test_a_warp_of_another_kind_is_refused(warp: np.ndarray[tuple[int, int], np.dtype]) -> None:
    """What is no finite float64 2 x 3 is told when the value is made."""
    with pytest.raises(ShapeError, match="warp"):
        CameraMotion(STAMP, warp)


def test_reads_warps(tmp_path: Path) -> None:
    """Values may be separated by tabs or commas; a file may be empty."""
    (tmp_path / "a.txt").write_text("0\t1\t0\t0\t0\t1\t0\t\n1\t1\t2\t3\t4\t5\t6\t\n")
    (tmp_path / "b.txt").write_text("0,1,0,0,0,1,0\n")
    (tmp_path / "c.txt").write_text("")

    assert read_warps(tmp_path / "a.txt")[1].tolist() == [[1, 2, 3], [4, 5, 6]]
    assert read_warps(tmp_path / "b.txt").tolist() == [[[1, 0, 0], [0, 1, 0]]]
    assert read_warps(tmp_path / "c.txt").shape == (0, 2, 3)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        pytest.param("3 1 0 0 0 1 0", "got frame 3, want each frame once", id="gap"),
        pytest.param("0 1 0 0 0 1 0", "got frame 0, want each frame once", id="twice"),
        pytest.param("1 1 0 0 0 1", "got 6 values, want at least 7", id="too short"),
        pytest.param("1 1 0 nan 0 1 0", "got x shift 'nan', want a finite", id="nan"),
    ],
)
def test_a_malformed_file_of_warps(tmp_path: Path, line: str, message: str) -> None:
    """A missing frame and a malformed row are told with file and line."""
    path = tmp_path / "gmc.txt"
    path.write_text(f"0 1 0 0 0 1 0\n{line}\n")

    with pytest.raises(SourceError, match=f"{path}:2: {message}"):
        read_warps(path)
