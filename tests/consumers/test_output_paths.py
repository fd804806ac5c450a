"""One file has one writer: the flow refuses a second before anything starts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from videoflow.consumers import (
    CsvWriter,
    EventClipWriter,
    FileAppenderConsumer,
    ImageFolderWriter,
    JsonLinesWriter,
    MotWriter,
    SqliteWriter,
    StillWriter,
    VideoFileWriter,
    WebhookConsumer,
)
from videoflow.core import ConsumerNode, Flow, IterableProducer, Streams
from videoflow.errors import OutputError

Makers = tuple[Callable[[Path], ConsumerNode], Callable[[Path], ConsumerNode]]


def flow_of(one: ConsumerNode, other: ConsumerNode) -> Flow:
    """Return a flow of two streams, of no frames, that both nodes write."""
    sources = [IterableProducer([], name=name) for name in ("door", "hall")]
    streams = Streams(*sources)
    return Flow(sources, [one(streams), other(streams)], name="f")


@pytest.mark.parametrize(
    "makers",
    [
        pytest.param(
            (lambda d: CsvWriter(d / "a.csv"), lambda d: JsonLinesWriter(d / "a.csv")),
            id="one-path",
        ),
        pytest.param(
            (
                lambda d: MotWriter(d / "{stream}.txt"),
                lambda d: CsvWriter(d / "new" / ".." / "{stream}.txt"),
            ),
            id="one-template",
        ),
        pytest.param(
            (lambda d: MotWriter(d / "{stream}.txt"), lambda d: CsvWriter(d / "hall.txt")),
            id="a-template-and-what-it-becomes",
        ),
        pytest.param(
            (lambda d: CsvWriter(d / "link" / "a.csv"), lambda d: CsvWriter(d / "a.csv")),
            id="through-a-link",
        ),
        pytest.param(
            (
                lambda d: VideoFileWriter(d / "{stream}.mp4"),
                lambda d: VideoFileWriter(str(d) + "//{stream}.mp4"),
            ),
            id="videos",
        ),
        pytest.param(
            (
                lambda d: ImageFolderWriter(d / "{stream}" / "{index:06d}.png"),
                lambda d: StillWriter(d / "{stream}" / "{index:06d}.png"),
            ),
            id="images",
        ),
        pytest.param(
            (
                lambda d: EventClipWriter(d / "{time}.mp4"),
                lambda d: EventClipWriter(d / "{time}.mp4"),
            ),
            id="clips",
        ),
        pytest.param(
            (lambda d: FileAppenderConsumer(d / "a"), lambda d: SqliteWriter(d / "a")),
            id="two-kinds-that-share",
        ),
    ],
)
def test_two_writers_of_one_file_are_refused(tmp_path: Path, makers: Makers) -> None:
    """However the paths are spelt, the message names both nodes and the file."""
    (tmp_path / "link").symlink_to(tmp_path)
    one, other = (make(tmp_path) for make in makers)
    flow = flow_of(one, other)

    with pytest.raises(OutputError, match=r"^flow 'f': .* both write .*, want a path") as error:
        flow.run()

    names = [node.name for node in flow.graph().nodes if isinstance(node.node, ConsumerNode)]
    assert all(repr(name) in str(error.value) for name in names)
    assert not flow.is_running


@pytest.mark.parametrize(
    "makers",
    [
        pytest.param(
            (lambda d: CsvWriter(d / "a.csv"), lambda d: CsvWriter(d / "b.csv")), id="two-paths"
        ),
        pytest.param(
            (lambda d: SqliteWriter(d / "a.db"), lambda d: SqliteWriter(d / "a.db")),
            id="one-database",
        ),
        pytest.param(
            (lambda d: FileAppenderConsumer(d / "a"), lambda d: FileAppenderConsumer(d / "a")),
            id="one-log",
        ),
        pytest.param(
            (
                lambda d: StillWriter(d / "{time}-{event}.png"),
                lambda d: StillWriter(d / "{time}-{event}.png"),
            ),
            id="events-have-names-of-their-own",
        ),
        pytest.param(
            (
                lambda d: WebhookConsumer("http://127.0.0.1:1/"),
                lambda d: WebhookConsumer("http://127.0.0.1:1/"),
            ),
            id="no-files",
        ),
    ],
)
def test_writers_that_keep_out_of_each_others_way_run(tmp_path: Path, makers: Makers) -> None:
    """Other paths, and kinds that share a file, are not refused."""
    flow = flow_of(*(make(tmp_path) for make in makers))

    assert flow.run().join().ending == "finished"
