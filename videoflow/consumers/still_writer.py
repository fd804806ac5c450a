"""One picture of each stream as an image file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import ClassVar, Unpack

from videoflow.consumers.published_file import check_target, target_for
from videoflow.core.node import ConsumerNode, Ending, NodeOptions
from videoflow.data.frame import Frame
from videoflow.errors import GraphError, OutputError

__all__ = ["StillWriter"]


class StillWriter(ConsumerNode):
    """Writes one frame of each stream to a PNG file, as soon as it comes.

    Args:
        path: Ends in ``.png``. ``{stream}`` stands for the stream's name, and several streams
            need it.
        at_seconds: The first frame at this time in the source or later is written.
        **options: See ``NodeOptions``.

    Raises:
        GraphError: ``at_seconds`` is below 0, or ``path`` ends otherwise.
    """

    preload: ClassVar[tuple[str, ...]] = ("torch", "numpy", "videoflow.video.png")

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        at_seconds: float = 0.0,
        **options: Unpack[NodeOptions],
    ) -> None:
        super().__init__(**options)
        self._path = Path(path)
        self._at_seconds = at_seconds
        self._owners: dict[Path, str] = {}  # of the files that are written
        if not at_seconds >= 0:
            raise GraphError(f"{self.name!r}: got at_seconds={at_seconds!r}, want >= 0")
        if self._path.suffix.lower() != ".png":
            raise GraphError(
                f"{self.name!r}: got path={os.fspath(path)!r}, want a name that ends in .png"
            )

    def check(self) -> None:
        """Refuse a path that cannot be written; makes the folders above it.

        Raises:
            OutputError: It is a folder, or its folder cannot be made or written to.
        """
        check_target(self._path)

    def consume(self, *inputs: Frame) -> None:
        """Write the frame if its time has come, and it is the first one.

        Raises:
            OutputError: The file cannot be written, or belongs to another stream.
        """
        (frame,) = inputs
        target = target_for(self._path, frame.stream)
        if frame.pts_seconds < self._at_seconds or self._owners.get(target) == frame.stream:
            return
        if target in self._owners:
            raise OutputError(
                f"{target}: got frames of {frame.stream!r}, want those of "
                f"{self._owners[target]!r} only",
                help="several streams need {stream} in the path: still-{stream}.png",
            )
        self._owners[target] = frame.stream
        _write(target, frame)

    def end_stream(self, stream: str, ending: Ending) -> None:
        """Note a stream that ended too early for its picture."""
        if stream not in self._owners.values():
            self.note(
                f"{target_for(self._path, stream)}: not written, stream {stream!r} had no "
                f"frame at {self._at_seconds:g} s or later"
            )


def _write(target: Path, frame: Frame) -> None:
    from videoflow.video.png import encode_png  # NumPy: only for who writes

    content = encode_png(frame.rgb().permute(1, 2, 0).cpu().numpy())
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(content)
        partial.replace(target)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise OutputError(
            f"{target}: cannot be written: {error.strerror or error}",
            help="choose a path in a folder that you may write to",
        ) from error
