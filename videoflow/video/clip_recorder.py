"""The last seconds of a stream, encoded, and clips that begin with them.

Every frame is encoded once, when it comes, and kept as H.264 in memory: raw frames would
take a hundred times as much (a street scene of 768 x 576: 664 kB a frame as NV12, 6 kB
encoded), and encoding them only then would make an event a moment of much work. A clip is cut
at key pictures, without encoding anything again, so that it begins up to ``KEY_SECONDS``
earlier than asked for.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Final

from videoflow.data.frame import Frame
from videoflow.video.av.encoder import (
    TICKS_PER_SECOND,
    OutputForm,
    Preset,
    VideoMuxer,
    open_muxer,
)
from videoflow.video.av.memory_encoder import EncodedPicture, MemoryEncoder
from videoflow.video.film import Film
from videoflow.video.writer import check_suffix, hidden_name, publish_video

__all__ = ["KEY_SECONDS", "ClipRecorder"]

KEY_SECONDS: Final = 1.0
"""Seconds between two pictures at which a clip can begin."""


class ClipRecorder:
    """Records one stream.

    Args:
        before_seconds: What a clip shows of the time before its event.
        after_seconds: And behind it.
        max_seconds: Events that follow each other make one clip, of at most this length.
        max_memory_bytes: Of encoded pictures; where they take more, a clip begins later.
        preset: libx264's trade of speed for size.
        crf: libx264's quality, 0 (lossless) to 51.
        num_threads: Threads of the encoder.
        name: For reports.
        report: Hears about frames of another size, and about too little memory, once each.
    """

    def __init__(  # noqa: PLR0913 - what a recorder is told once
        self,
        *,
        before_seconds: float,
        after_seconds: float,
        max_seconds: float,
        max_memory_bytes: int,
        preset: Preset,
        crf: float,
        num_threads: int,
        name: str,
        report: Callable[[str], None],
    ) -> None:
        self._before_ticks = round(before_seconds * TICKS_PER_SECOND)
        self._after_ticks = round(after_seconds * TICKS_PER_SECOND)
        self._max_ticks = round(max_seconds * TICKS_PER_SECOND)
        self._max_memory_bytes = max_memory_bytes
        self._coding: tuple[Preset, float, int] = (preset, crf, num_threads)
        self._name = name
        self._report = report
        self._film = Film(name, report=report)
        self._encoder: MemoryEncoder | None = None
        self._groups: deque[list[EncodedPicture]] = deque()  # each begins with a key picture
        self._num_bytes = 0
        self._is_shortage_reported = False
        self._clip: _Clip | None = None

    @property
    def num_bytes(self) -> int:
        """Memory of the encoded pictures."""
        return self._num_bytes

    def write(self, frame: Frame) -> None:
        """Take a frame; its memory may be used again when the call returns.

        Raises:
            OutputError: It cannot be encoded, or a clip cannot be written.
        """
        picture = self._encode(frame)
        if picture.is_keyframe:
            self._groups.append([])
        self._groups[-1].append(picture)
        self._num_bytes += len(picture.data)
        self._forget(picture.pts_ticks)
        if self._clip is None:
            return
        if picture.pts_ticks > self._clip.end_ticks:
            self.end()
        else:
            self._clip.write(picture)

    def mark(self, path: Path) -> bool:
        """Hear of an event at the last frame; return whether a clip begins.

        Args:
            path: Of the clip, if it begins; an event during a clip makes that one longer.

        Raises:
            OutputError: The clip cannot be written.
        """
        now = self._groups[-1][-1].pts_ticks
        if self._clip is not None:
            self._clip.prolong(now + self._after_ticks)
            return False
        first = self._groups[0][0].pts_ticks
        self._clip = _Clip(
            path,
            self._form(path),
            first_ticks=first,
            end_ticks=now + self._after_ticks,
            last_ticks=max(first + self._max_ticks, now),
        )
        for group in self._groups:
            for picture in group:
                self._clip.write(picture)
        return True

    def end(self) -> None:
        """Complete the clip under way, if there is one, and give it its name.

        Raises:
            OutputError: It cannot be completed; nothing is left of it.
        """
        clip, self._clip = self._clip, None
        if clip is not None:
            clip.publish()

    def abort(self) -> None:
        """Remove the clip under way, if there is one."""
        clip, self._clip = self._clip, None
        if clip is not None:
            clip.abort()

    def _encode(self, frame: Frame) -> EncodedPicture:
        picture = self._film.take(frame)
        if self._encoder is None:
            self._encoder = MemoryEncoder(self._form(Path(self._name)))
        since_key = picture.pts_ticks - self._groups[-1][0].pts_ticks if self._groups else 0
        return self._encoder.encode(
            picture.planes.cpu(),
            pts_ticks=picture.pts_ticks,
            duration_ticks=picture.duration_ticks,
            is_keyframe=not self._groups or since_key >= KEY_SECONDS * TICKS_PER_SECOND,
        )

    def _forget(self, now: int) -> None:
        """Let go of the groups that no clip can begin with any more."""
        while len(self._groups) > 1:
            is_needed = self._groups[1][0].pts_ticks > now - self._before_ticks
            if is_needed and self._num_bytes <= self._max_memory_bytes:
                return
            if is_needed and not self._is_shortage_reported:
                kept_seconds = (now - self._groups[1][0].pts_ticks) / TICKS_PER_SECOND
                self._report(
                    f"{self._name}: {self._max_memory_bytes} bytes hold only "
                    f"{kept_seconds:.1f} s before an event"
                )
                self._is_shortage_reported = True
            self._num_bytes -= sum(len(picture.data) for picture in self._groups.popleft())

    def _form(self, path: Path) -> OutputForm:
        preset, crf, num_threads = self._coding
        return OutputForm(
            path=str(hidden_name(path)),
            container_format=check_suffix(path) if path.suffix else "mp4",
            size_hw=self._film.size_hw,
            color=self._film.color,
            preset=preset,
            crf=crf,
            num_threads=num_threads,
        )


class _Clip:
    """A clip under way."""

    def __init__(
        self,
        path: Path,
        form: OutputForm,
        *,
        first_ticks: int,
        end_ticks: int,
        last_ticks: int,
    ) -> None:
        self._path = path
        self._partial = Path(form.path)
        self._first_ticks = first_ticks
        self._last_ticks = last_ticks
        self.end_ticks = min(end_ticks, last_ticks)
        self._muxer: VideoMuxer = open_muxer(form)

    def prolong(self, end_ticks: int) -> None:
        self.end_ticks = min(max(self.end_ticks, end_ticks), self._last_ticks)

    def write(self, picture: EncodedPicture) -> None:
        self._muxer.write(
            picture.data,
            pts_ticks=picture.pts_ticks - self._first_ticks,
            duration_ticks=picture.duration_ticks,
            is_keyframe=picture.is_keyframe,
        )

    def publish(self) -> None:
        publish_video(self._muxer, self._partial, self._path)

    def abort(self) -> None:
        self._muxer.abort()
        self._partial.unlink(missing_ok=True)
