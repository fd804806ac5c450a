"""What nodes print, on its way to the caller's standard streams."""

from __future__ import annotations

import codecs
import os
import sys
from typing import Literal

__all__ = ["OutputPump"]

_READ_BYTES = 1 << 16


class OutputPump:
    """Copies what workers write to a pipe to ``sys.stdout`` or ``sys.stderr`` as they are now.

    So what a node prints appears where the caller's own prints do: in a notebook cell, in a
    captured stream, on a terminal.

    Args:
        fd: The pipe's reading end, non-blocking; the pump owns it.
        name: Which of the two streams.
    """

    def __init__(self, fd: int, name: Literal["stdout", "stderr"]) -> None:
        self.fd = fd
        self._name = name
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def pump(self) -> bool:
        """Copy what is there; return False when nothing more is, now or at the end."""
        try:
            data = os.read(self.fd, _READ_BYTES)
        except BlockingIOError:
            return False
        text = self._decoder.decode(data, final=not data)
        stream = getattr(sys, self._name)
        if text and stream is not None:
            stream.write(text)
            stream.flush()
        return bool(data)

    def close(self) -> None:
        """Close the pipe."""
        os.close(self.fd)
