"""Names of the files that a flow makes for frames and events."""

from __future__ import annotations

import os
import string
from pathlib import Path
from typing import Final

from videoflow.consumers.published_file import (
    cannot_write,
    check_target,
    safe_name,
    target_for,
)
from videoflow.data.frame import Stamp
from videoflow.errors import OutputError

__all__ = ["PathTemplate", "placeholders", "time_name"]

_PLACES: Final = ("stream", "event", "time", "index")


class PathTemplate:
    """A path with places: ``{stream}``, ``{event}``, ``{time}`` and ``{index}``.

    ``{time}`` is hours, minutes and seconds of the stream, ``{index}`` the frame's, with a form
    if it is to have one: ``{index:06d}``. In a stream's or event's name ``/`` becomes ``_``.

    Args:
        path: ``{{`` and ``}}`` stand for braces.
        has_events: Whether ``{event}`` has a meaning.
    """

    def __init__(self, path: str | os.PathLike[str], *, has_events: bool) -> None:
        self.path = Path(path).expanduser().absolute()
        self._places = [p for p in _PLACES if has_events or p != "event"]
        self._only_stream: str | None = None

    def check(self) -> None:
        """Refuse a template that cannot be filled or written; make the folders above it.

        Raises:
            OutputError: An unknown place, none that tells files apart, or a folder that cannot
                be made or written to.
        """
        names = placeholders(str(self.path))
        for name in sorted(names - set(self._places)):
            raise OutputError(
                f"{self.path}: got {{{name}}}, want only "
                f"{', '.join(f'{{{place}}}' for place in self._places)}",
                help="write {{ and }} for braces of the name itself",
            )
        if not names & {"time", "index"}:
            raise OutputError(
                f"{self.path}: got a name for all files, want {{time}} or {{index}} in it",
                help=f"{self.path.stem}-{{time}}{self.path.suffix}",
            )
        check_target(self.path)

    def output_path(self, stream: str) -> Path | None:
        """Return the path with only ``{stream}`` filled in.

        None with ``{event}`` in it: which events there are, and so which files, is known to
        nobody before.
        """
        names = placeholders(str(self.path))
        return None if "event" in names else target_for(self.path, stream)

    def fill(self, stamp: Stamp, *, event: str = "") -> Path:
        """Return the path for a frame; makes the folders above it.

        Raises:
            OutputError: A second stream without ``{stream}``, or a folder that cannot be made.
        """
        if "stream" not in placeholders(str(self.path)):
            if self._only_stream not in (None, stamp.stream):
                raise OutputError(
                    f"{self.path}: got frames of {stamp.stream!r}, want those of "
                    f"{self._only_stream!r} only",
                    help="several streams need {stream} in the path",
                )
            self._only_stream = stamp.stream
        path = Path(
            str(self.path).format(
                stream=safe_name(stamp.stream),
                event=safe_name(event),
                time=time_name(stamp.pts_seconds),
                index=stamp.index,
            )
        )
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise cannot_write(path, error) from error
        return path


def time_name(seconds: float) -> str:
    """Return a time as a part of a file's name, in an order that sorts.

    Example:
        >>> time_name(3723.4567)
        '01-02-03.457'
    """
    milliseconds = round(max(0.0, seconds) * 1000)
    minutes, milliseconds = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}-{minutes:02d}-{milliseconds / 1000:06.3f}"


def placeholders(template: str) -> set[str]:
    """Return the names of the places in a template.

    Raises:
        OutputError: A single brace.
    """
    try:
        return {
            name for _, name, _, _ in string.Formatter().parse(template) if name is not None
        }
    except ValueError as error:
        raise OutputError(
            f"{template}: got a single brace, want {{stream}} or none ({error})",
            help="write {{ and }} for braces of the name itself",
        ) from error
