"""A consumer for a health check: a file that is new for as long as frames come through."""

from __future__ import annotations

from pathlib import Path

from videoflow.core import ConsumerNode


class Heartbeat(ConsumerNode):
    """Touch a file for each frame.

    Args:
        path: Of the file; its folder is there.
        **options: See ``NodeOptions``.
    """

    def __init__(self, path: str, **options: object) -> None:
        super().__init__(**options)
        self.path = Path(path)

    def consume(self, *inputs: object) -> None:
        """Touch the file."""
        self.path.touch()
