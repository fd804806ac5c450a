"""A video clip for each event, with the seconds before it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from videoflow.consumers.events import When, names_of_events
from videoflow.consumers.path_template import PathTemplate
from videoflow.core.node import ConsumerNode, Ending
from videoflow.data.frame import Frame
from videoflow.errors import GraphError

if TYPE_CHECKING:
    from videoflow.video.av.encoder import Preset
    from videoflow.video.clip_recorder import ClipRecorder

__all__ = ["EventClipWriter"]


class EventClipWriter(ConsumerNode):
    """Write an H.264 clip of what was before, during and behind each event.

    Takes a frame and results of the same frame: ``Counts`` (each crossing is an event),
    ``ZoneCounts`` (each entry), or what ``when`` makes of any results. A clip begins up to a
    second earlier than asked for, at a picture that needs no other. An event during a clip
    makes that clip longer, which keeps the name of its first event.

    Every frame is encoded by libx264 when it comes, and kept encoded: no frame is held, and
    the memory is that of ``before_seconds`` and one second of video (a street scene of
    768 x 576: 6 kB a frame, a hundredth of the raw one), never more than ``max_memory_bytes``
    and one second for each stream. Frames that are on a GPU are copied to the host.

    A clip takes its name when it is complete, while the flow runs; the one under way at the end
    ends there, and is removed where its stream failed.

    Args:
        path: Ends in ``.mp4``, ``.m4v``, ``.mov`` or ``.mkv``, with the places ``{stream}``,
            ``{event}``, ``{time}`` and ``{index}`` of the event, such as
            ``clips/{stream}/{time}-{event}.mp4``.
        before_seconds: What a clip shows of the time before its event.
        after_seconds: And behind its last one.
        max_seconds: Longest clip; an event behind its end begins another one.
        when: Gets the inputs behind the frame; returns the event's name, or None.
        max_memory_bytes: For each stream; with less than it takes, clips begin later, and a
            remark in the report says so.
        preset: libx264's trade of speed for size.
        crf: libx264's quality, 0 (lossless) to 51.
        **options: See ``NodeOptions``; ``num_threads`` are each encoder's, one by default.

    Raises:
        GraphError: A value that makes no sense.
    """

    preload: ClassVar[tuple[str, ...]] = ("torch", "av", "videoflow.video.clip_recorder")

    def __init__(  # noqa: PLR0913 - what a recorder is told once
        self,
        path: str | os.PathLike[str],
        *,
        before_seconds: float = 5.0,
        after_seconds: float = 5.0,
        max_seconds: float = 300.0,
        when: When | None = None,
        max_memory_bytes: int = 64 << 20,
        preset: Preset = "veryfast",
        crf: float = 23.0,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        if self.options["nb_tasks"] != 1:
            raise GraphError(
                f"{self.name!r}: got nb_tasks={self.options['nb_tasks']}, want 1: a clip has "
                "every frame"
            )
        for key, value in (
            ("before_seconds", before_seconds),
            ("after_seconds", after_seconds),
            ("max_memory_bytes", max_memory_bytes),
        ):
            if not value >= 0:
                raise GraphError(f"{self.name!r}: got {key}={value!r}, want >= 0")
        if not max_seconds >= before_seconds + after_seconds:
            raise GraphError(
                f"{self.name!r}: got max_seconds={max_seconds!r}, want at least "
                f"before_seconds + after_seconds = {before_seconds + after_seconds:g}"
            )
        self._template = PathTemplate(path, has_events=True)
        self._when = when
        self._recording = {
            "before_seconds": before_seconds,
            "after_seconds": after_seconds,
            "max_seconds": max_seconds,
            "max_memory_bytes": max_memory_bytes,
            "preset": preset,
            "crf": crf,
        }
        self._recorders: dict[str, ClipRecorder] = {}

    def check(self) -> None:
        """Refuse a path that cannot be written; makes the folders above it.

        Raises:
            OutputError: An unknown ending or place, or a folder that cannot be written to.
        """
        from videoflow.video.writer import check_suffix  # torch and av: only for who writes

        check_suffix(self._template.path)
        self._template.check()

    def output_path(self, stream: str) -> Path | None:
        """Return the path of the clips of ``stream``, unless it names events."""
        return self._template.output_path(stream)

    def consume(self, *inputs: Any) -> None:
        """Record a frame, and begin or prolong a clip where something happened.

        Args:
            *inputs: The frame, then the results.

        Raises:
            OutputError: A clip cannot be written, or a result tells no events.
        """
        frame: Frame = inputs[0]
        recorder = self._recorders.get(frame.stream)
        if recorder is None:
            recorder = self._recorders[frame.stream] = self._make_recorder(frame.stream)
        recorder.write(frame)
        for event in names_of_events(self._when, *inputs[1:]):
            recorder.mark(self._template.fill(frame.stamp, event=event))

    def end_stream(self, stream: str, ending: Ending) -> None:
        """Complete the stream's clip, or remove it where the stream failed.

        Raises:
            OutputError: It cannot be completed.
        """
        recorder = self._recorders.pop(stream, None)
        if recorder is not None:
            recorder.abort() if ending == "failed" else recorder.end()

    def close(self) -> None:
        """Remove what is not complete."""
        while self._recorders:
            self._recorders.popitem()[1].abort()

    def _make_recorder(self, stream: str) -> ClipRecorder:
        from videoflow.video.clip_recorder import ClipRecorder  # torch and av

        return ClipRecorder(
            **self._recording,  # type: ignore[arg-type] # as the constructor took them
            num_threads=self.options["num_threads"] or 1,
            name=f"{self.name!r}, {stream!r}",
            report=self.note,
        )
