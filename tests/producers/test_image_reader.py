from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.clips import grey_picture, index_of, write_image
from tests.producers.test_video_file_reader import frames_of
from videoflow.errors import GraphError, ShapeError, SourceError
from videoflow.producers import ImageFolderReader, ImageProducer


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp"])
def test_one_image_is_one_frame(tmp_path: Path, suffix: str) -> None:
    """An image file of any kind is an RGB frame of a stream that bears its name."""
    path = write_image(tmp_path / f"door{suffix}", grey_picture(4, size_hw=(47, 63)))
    reader = ImageProducer(path)
    reader.check()
    reader.open()

    (frame,) = frames_of(reader)

    assert reader.num_items == 1
    assert (frame.stream, frame.index, frame.pts_seconds) == ("door", 0, 0.0)
    assert (frame.layout, frame.size_hw, index_of(frame)) == ("rgb", (47, 63), 4)
    reader.close()


def test_colours_of_an_image_are_right(tmp_path: Path) -> None:
    """Red is red, in the first channel."""
    picture = grey_picture(0)
    picture[:] = (250, 20, 60)
    reader = ImageProducer(write_image(tmp_path / "red.png", picture))
    reader.open()

    (frame,) = frames_of(reader)

    assert frame.rgb()[:, 5, 5].tolist() == [250, 20, 60]


def test_tensors_and_files_may_be_mixed(tmp_path: Path) -> None:
    """Several keep their order, image i is shown at i / fps, and the caller's stay theirs."""
    own = torch.full((3, 30, 40), 230, dtype=torch.uint8)
    path = write_image(tmp_path / "door.png", grey_picture(2))
    reader = ImageProducer([own, path], fps=4, stream="mixed")
    reader.check()
    reader.open()

    frames = frames_of(reader)
    frames[0].buffer.fill_(0)

    assert [(f.stream, f.index, f.pts_seconds) for f in frames] == [
        ("mixed", 0, 0.0),
        ("mixed", 1, 0.25),
    ]
    assert index_of(frames[1]) == 2
    assert int(own.min()) == 230


def test_a_folder_of_images_is_a_stream(tmp_path: Path) -> None:
    """Natural order, one frame each, named after the folder."""
    folder = tmp_path / "seq"
    folder.mkdir()
    for index in (10, 9, 1):
        write_image(folder / f"{index}.png", grey_picture(index % 10))
    reader = ImageFolderReader(folder, fps=30)
    reader.check()
    reader.open()

    frames = frames_of(reader)

    assert reader.num_items == 3
    assert [index_of(frame) for frame in frames] == [1, 9, 0]
    assert [frame.pts_seconds for frame in frames] == pytest.approx([0, 1 / 30, 2 / 30])
    assert {frame.stream for frame in frames} == {"seq"}


def test_a_broken_image_leaves_a_hole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is noted and left out; the others keep their index and time."""
    for index in range(3):
        write_image(tmp_path / f"{index}.png", grey_picture(index))
    (tmp_path / "1.png").write_bytes(b"no image")
    notes: list[str] = []
    monkeypatch.setattr(ImageFolderReader, "note", lambda _, text: notes.append(text))
    reader = ImageFolderReader(tmp_path, fps=10)
    reader.open()

    frames = frames_of(reader)

    assert [(frame.index, index_of(frame)) for frame in frames] == [(0, 0), (2, 2)]
    assert [str(tmp_path / "1.png") in note for note in notes] == [True]


def test_a_folder_in_which_nothing_decodes_is_an_error(tmp_path: Path) -> None:
    """The check names the first file; so does the run."""
    (tmp_path / "1.png").write_bytes(b"no image")
    reader = ImageFolderReader(tmp_path)

    with pytest.raises(SourceError, match=r"1\.png"):
        reader.check()
    reader.open()
    with pytest.raises(SourceError, match=r"1\.png"):
        reader.next()


@pytest.mark.parametrize(
    ("images", "error"),
    [
        pytest.param("missing.png", SourceError, id="missing"),
        pytest.param(torch.zeros(4, 4, 3, dtype=torch.uint8), ShapeError, id="channels-last"),
        pytest.param(torch.zeros(3, 4, 4), ShapeError, id="float"),
    ],
)
def test_what_is_no_image_is_refused(
    images: str | torch.Tensor, error: type[Exception]
) -> None:
    """The check says what came and what is wanted."""
    with pytest.raises(error, match="want"):
        ImageProducer(images).check()


def test_no_image_and_no_rate_are_refused() -> None:
    """A producer without images, or with a rate of nothing, makes no sense."""
    with pytest.raises(GraphError, match="got no image"):
        ImageProducer([])
    with pytest.raises(GraphError, match="fps=0"):
        ImageFolderReader("x", fps=0)
