"""Outputs in worker processes: whole when a flow ends well, never half when it does not."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.clips import write_clip
from tests.flows.nodes import keeper_of, wait_until, workers_of
from videoflow.consumers import (
    CsvWriter,
    EventClipWriter,
    ImageFolderWriter,
    SqliteWriter,
    StillWriter,
    WebhookConsumer,
)
from videoflow.core import Flow, FunctionProcessor, IterableProducer
from videoflow.data import Frame
from videoflow.errors import NodeError, WorkerDiedError
from videoflow.producers import VideoFileReader
from videoflow.video.probe import probe

NOBODY = "http://127.0.0.1:1/"


def numbers_for_ever() -> Iterator[dict[str, Any]]:
    number = 0
    while True:
        yield {"stream": "numbers", "number": number}
        number += 1
        time.sleep(0.001)


def some_numbers() -> Iterator[dict[str, Any]]:
    yield from ({"stream": "numbers", "number": number} for number in range(100))


def fifth(frame: Frame) -> str | None:
    return "fifth" if frame.index == 4 else None


def test_rows_clips_and_images_of_one_flow(tmp_path: Path) -> None:
    """Each output is whole and named as asked, and nothing else lies beside them."""
    frames = VideoFileReader(write_clip(tmp_path / "door.mp4", size_hw=(96, 128)))
    seen = FunctionProcessor(lambda f: {"stream": f.stream, "index": f.index}, name="seen")
    rows, out = seen(frames), tmp_path / "out"
    writers = [
        CsvWriter(out / "{stream}.csv")(rows),
        SqliteWriter(out / "rows.db")(rows),
        EventClipWriter(out / "{event}-{index}.mp4", when=fifth)(frames, frames),
        StillWriter(out / "{event}-{index}.png", when=fifth)(frames, frames),
        ImageFolderWriter(out / "{index}.jpg", every=4)(frames),
    ]

    Flow([frames], writers, flow_type="batch").run().join()

    assert sorted(path.name for path in out.iterdir()) == [
        "0.jpg",
        "4.jpg",
        f"{frames.stream}.csv",
        "fifth-4.mp4",
        "fifth-4.png",
        "rows.db",
    ]
    assert len((out / f"{frames.stream}.csv").read_text().splitlines()) == 9
    assert probe(out / "fifth-4.mp4").num_frames == 8


def test_a_killed_worker_leaves_committed_rows_and_no_file(tmp_path: Path) -> None:
    """Kill -9 of the writers: a database keeps what was committed, a file never appears."""
    numbers = IterableProducer(numbers_for_ever, name="numbers")
    database = tmp_path / "rows.db"
    writers = [
        CsvWriter(tmp_path / "rows.csv")(numbers),
        SqliteWriter(database, commit_seconds=0)(numbers),
    ]
    flow = Flow([numbers], writers, flow_type="batch", placement="process").run()

    wait_until(lambda: database.exists() and num_rows(database) > 20)
    for worker in workers_of(keeper_of()):
        with suppress(psutil.NoSuchProcess):  # it ended with the first
            worker.kill()
    with pytest.raises(WorkerDiedError):
        flow.join()

    rows = sqlite3.connect(database)
    kept = [row[0] for row in rows.execute("SELECT number FROM records")]
    rows.close()
    assert kept == list(range(len(kept)))
    assert not (tmp_path / "rows.csv").exists()


def num_rows(database: Path) -> int:
    rows = sqlite3.connect(database)
    try:
        return int(rows.execute("SELECT count(*) FROM records").fetchone()[0])
    except sqlite3.OperationalError:  # the table is not there yet
        return 0
    finally:
        rows.close()


def test_a_dead_server_costs_items_and_not_the_flow() -> None:
    """With on_error="skip" the flow reads to its end, and the report says what was not sent."""
    numbers = IterableProducer(some_numbers, name="numbers")
    webhook = WebhookConsumer(
        NOBODY, on_error="skip", flush_seconds=0.1, first_wait_seconds=1e6
    )

    report = Flow([numbers], [webhook(numbers)], flow_type="batch").run().join()

    assert report.streams[0].num_read == 100
    assert any("were not sent" in note for note in report.notes)


def test_a_dead_server_ends_a_flow_that_wants_it() -> None:
    """By default what is not sent is an error."""
    numbers = IterableProducer(some_numbers, name="numbers")
    webhook = WebhookConsumer(NOBODY, flush_seconds=0.1, first_wait_seconds=1e6)

    with pytest.raises(NodeError, match="items were not sent"):
        Flow([numbers], [webhook(numbers)], flow_type="batch").run().join()
