"""The tracks of all streams of one call: rows that come, go and get their ids."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from videoflow.vision.boxes import F64
from videoflow.vision.trackers import table as c

__all__ = ["MAX_TRACKS", "Crowd", "Memory"]

MAX_TRACKS = 4096  # of one stream: what keeps a table of all overlaps within memory


@dataclass(slots=True)
class Memory:
    """What a tracker knows of its stream.

    Attributes:
        tracks: float64 ``[T, C]``, see ``table``.
        clock: Frames of the source since the first.
        last_index: Of the last frame, or None before the first.
        num_looks: How often detections came.
        num_ids: How many ids were given.
    """

    tracks: F64
    clock: int = 0
    last_index: int | None = None
    num_looks: int = 0
    num_ids: int = 0

    def tick(self, index: int) -> int:
        """Go to the frame ``index``; return how many frames that is.

        An index that does not rise (a source that began anew) counts as the next frame.
        """
        steps = 0 if self.last_index is None else max(1, index - self.last_index)
        self.last_index = index
        self.clock += steps
        return steps


class Crowd:
    """The tracks of S streams in one array; those of a stream are together and in order."""

    def __init__(self, memories: Sequence[Memory]) -> None:
        self.memories = memories
        self._is_one = len(memories) == 1
        if self._is_one:
            self.tracks = memories[0].tracks
            return
        self.tracks = np.concatenate(_as_wide([memory.tracks for memory in memories]))
        sizes = [len(memory.tracks) for memory in memories]
        self.tracks[:, c.STREAM] = np.repeat(np.arange(len(memories)), sizes)

    def forget(self, max_lost_frames: int) -> None:
        """Drop tracks that were not seen for longer, and what is beyond ``MAX_TRACKS``."""
        if not len(self.tracks):
            return
        streams = self.tracks[:, c.STREAM]
        unseen = self.clocks(streams) - self.tracks[:, c.LAST_SEEN]
        is_kept = unseen <= max_lost_frames + 1
        if len(is_kept) > MAX_TRACKS:
            for place in self.slices(streams):
                if place.stop - place.start > MAX_TRACKS:
                    order = np.argsort(unseen[place], kind="stable")
                    is_kept[place.start + order[MAX_TRACKS:]] = False
        self.keep(is_kept)

    def shown(self) -> F64:
        """Return the rows that come out, stream by stream, by rising id."""
        rows = self.tracks[self.tracks[:, c.IS_SHOWN] > 0]
        ids, streams = rows[:, c.ID], rows[:, c.STREAM]
        order = ids.argsort() if self._is_one else np.lexsort((ids, streams))
        return rows[order]

    def of_tracks(self, values: Sequence[float]) -> Any:
        """Turn a number for each stream into one for each track, or one for all."""
        return self.of_rows(values, self.tracks[:, c.STREAM])

    def of_rows(self, values: Sequence[float], streams: F64) -> Any:
        """The same for any rows whose streams are known."""
        if self._is_one:
            return values[0]
        return np.array(values)[streams.astype(np.intp)]

    def slices(self, streams: F64) -> Iterator[slice]:
        """Yield where the rows of each stream are, given the stream of each row."""
        if self._is_one:
            yield slice(0, len(streams))
            return
        ends = np.searchsorted(streams, np.arange(len(self.memories) + 1)).tolist()
        for start, end in pairwise(ends):
            yield slice(start, end)

    def clocks(self, streams: F64) -> Any:
        """Return the present clock of each row's stream."""
        return self.of_rows([memory.clock for memory in self.memories], streams)

    def keep(self, is_kept: NDArray[np.bool_]) -> None:
        """Drop the other rows; these move up."""
        if not is_kept.all():
            self.tracks = self.tracks[is_kept]

    def add(self, rows: F64) -> None:
        """Put new rows behind those of their streams."""
        self.tracks = np.concatenate([self.tracks, rows])
        if not self._is_one:
            order = np.argsort(self.tracks[:, c.STREAM], kind="stable")
            self.tracks = self.tracks[order]

    def widen(self, num_columns: int) -> None:
        """Give every track so many more columns, of zeros."""
        more = np.zeros((len(self.tracks), num_columns))
        self.tracks = np.concatenate([self.tracks, more], axis=1)

    def confirm(self, is_due: NDArray[np.bool_]) -> None:
        """Give the next ids of their streams to rows that have none."""
        rows = is_due.nonzero()[0]
        if not len(rows):
            return
        streams = self.tracks[rows, c.STREAM]
        before = self.of_rows([memory.num_ids for memory in self.memories], streams)
        if self._is_one:
            self.tracks[rows, c.ID] = before + 1 + np.arange(len(rows))
            self.memories[0].num_ids += len(rows)
            return
        first = np.searchsorted(streams, streams)  # row of the same stream that came first
        self.tracks[rows, c.ID] = before + 1 + np.arange(len(rows)) - first
        counts = np.bincount(streams.astype(np.intp), minlength=len(self.memories))
        for memory, count in zip(self.memories, counts.tolist(), strict=True):
            memory.num_ids += count

    def give_back(self) -> None:
        """Hand each stream its rows."""
        if self._is_one:
            self.memories[0].tracks = self.tracks
            return
        places = self.slices(self.tracks[:, c.STREAM])
        for memory, place in zip(self.memories, places, strict=True):
            memory.tracks = self.tracks[place].copy()


def _as_wide(tables: list[F64]) -> list[F64]:
    """Fill tables with zeros up to the widest: not every stream has embeddings yet."""
    width = max(table.shape[1] for table in tables)
    return [
        table
        if table.shape[1] == width
        else np.pad(table, ((0, 0), (0, width - table.shape[1])))
        for table in tables
    ]
