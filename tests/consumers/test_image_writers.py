"""StillWriter and ImageFolderWriter: which frames, and how exact."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.results import counts
from videoflow.consumers import ImageFolderWriter, StillWriter
from videoflow.consumers.path_template import time_name
from videoflow.data import Frame, Stamp
from videoflow.errors import GraphError, OutputError
from videoflow.video.images import read_image


def make_frame(
    index: int = 0, stream: str = "door", size_hw: tuple[int, int] = (33, 47)
) -> Frame:
    """Return an RGB frame with a coloured ramp, of an odd size."""
    height, width = size_hw
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    rgb = torch.stack([rows * 5, columns * 4, rows + columns + index]).to(torch.uint8)
    return Frame(rgb, Stamp(stream, index, index / 10, size_hw), "rgb")


def read(path: Path) -> Tensor:
    picture = read_image(path)
    pixels = torch.empty(picture.buffer_shape, dtype=torch.uint8)
    picture.copy_to(pixels)
    return pixels.permute(2, 0, 1)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("ending", "max_error", "mean_error"),
    [
        pytest.param("png", 0, 0.0, id="png"),
        pytest.param("jpg", 24, 2.0, id="jpg"),
        pytest.param("jpeg", 24, 2.0, id="jpeg"),
    ],
)
def test_a_file_shows_its_frame(
    tmp_path: Path, ending: str, max_error: int, mean_error: float
) -> None:
    """PNG keeps every pixel, JPEG nearly; sizes may be odd."""
    writer = ImageFolderWriter(tmp_path / f"{{index:04d}}.{ending}", qscale=2)
    writer.check()

    writer.consume(make_frame(7))

    difference = (read(tmp_path / f"0007.{ending}").int() - make_frame(7).rgb().int()).abs()
    assert int(difference.max()) <= max_error
    assert float(difference.float().mean()) <= mean_error


def test_nv12_frames(tmp_path: Path) -> None:
    """A frame as a decoder gives it is written with its colours."""
    planes = torch.full((72, 64), 128, dtype=torch.uint8)
    frame = Frame(planes, Stamp("door", 0, 0.0, (48, 64)))

    ImageFolderWriter(tmp_path / "{index}.png").consume(frame)

    assert torch.equal(read(tmp_path / "0.png"), frame.rgb())


@pytest.mark.parametrize(
    ("every", "want"),
    [pytest.param(1, [0, 1, 2, 3, 4, 5, 6], id="all"), pytest.param(3, [0, 3, 6], id="third")],
)
def test_every_so_many(tmp_path: Path, every: int, want: list[int]) -> None:
    """Each stream is counted by itself, from its first frame."""
    writer = ImageFolderWriter(tmp_path / "{stream}" / "{index}.png", every=every)
    writer.check()

    for index in range(7):
        writer.consume(make_frame(index, "a"))
        writer.consume(make_frame(index, "b/c"))

    assert names(tmp_path / "a") == [f"{index}.png" for index in want]
    assert names(tmp_path / "b_c") == names(tmp_path / "a")


def test_a_still_for_each_event(tmp_path: Path) -> None:
    """The frame of a crossing is written once for each name; others are not."""
    writer = StillWriter(tmp_path / "{time}-{event}.png")
    writer.check()

    for index, num in enumerate([0, 2, 0]):
        writer.consume(make_frame(index), counts(index, num=num))
    writer.close()

    assert names(tmp_path) == ["00-00-00.100-gate-in.png"]
    assert torch.equal(read(tmp_path / "00-00-00.100-gate-in.png"), make_frame(1).rgb())


def test_a_still_by_a_predicate(tmp_path: Path) -> None:
    """The function sees the results, and names the event."""
    writer = StillWriter(
        tmp_path / "{event}{index}.jpg", when=lambda level: "high/" if level > 3 else None
    )

    for index, level in enumerate([1, 5, 3]):
        writer.consume(make_frame(index), level)

    assert names(tmp_path) == ["high_1.jpg"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        pytest.param("{index}.gif", "got the ending '.gif'", id="ending"),
        pytest.param("{event}-{index}.png", "got {event}, want only {stream}", id="place"),
        pytest.param("out.png", "want {time} or {index}", id="one-name"),
        pytest.param("file/{index}.png", "cannot be written", id="file-as-folder"),
    ],
)
def test_what_cannot_be_written_is_refused(tmp_path: Path, name: str, message: str) -> None:
    """The check says what came and what is wanted, before the flow starts."""
    (tmp_path / "file").touch()

    with pytest.raises(OutputError, match=message):
        ImageFolderWriter(tmp_path / name).check()


@pytest.mark.parametrize("options", [{"every": 0}, {"qscale": 1}, {"qscale": 32}])
def test_refuses_what_makes_no_sense(options: dict[str, Any]) -> None:
    """A wrong argument is refused when the node is made."""
    with pytest.raises(GraphError, match="want"):
        ImageFolderWriter("{index}.jpg", **options)


def test_names_of_times_sort() -> None:
    """A later time has a later name."""
    times = [0.0, 0.0004, 9.9996, 59.9999, 60.0, 3600.5, 36_000.0]

    assert [time_name(each) for each in times] == sorted(map(time_name, times))
    assert time_name(59.9999) == "00-01-00.000"
    assert time_name(-0.5) == "00-00-00.000"
