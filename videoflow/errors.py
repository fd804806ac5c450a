"""Every error that Videoflow raises on purpose.

    VideoflowError
    ├── GraphError (ValueError)           a flow that cannot be built or planned
    ├── ConfigError (ValueError)          a config file or a ``--set`` that is wrong
    ├── ShapeError (ValueError)           an array of the wrong shape, dtype or layout
    ├── SourceError (OSError)             something that cannot be opened or decoded
    ├── OutputError (OSError)             something that cannot be written
    ├── ModelError (ValueError)           an unknown model, a wrong checksum, no weights
    ├── MissingDependencyError (ImportError)
    ├── LeaseError (RuntimeError)         a lent frame that was used after its time
    ├── FlowStateError (RuntimeError)     run(), join() or stop() at the wrong moment
    ├── NodeError (RuntimeError)          user code in a node raised; names it and the frame
    └── WorkerDiedError (RuntimeError)    a worker process was killed or crashed

A message says where, what came, what is wanted; ``help`` says what to do about it.
"""

from __future__ import annotations

__all__ = [
    "ConfigError",
    "FlowStateError",
    "GraphError",
    "LeaseError",
    "MissingDependencyError",
    "ModelError",
    "NodeError",
    "OutputError",
    "ShapeError",
    "SourceError",
    "VideoflowError",
    "WorkerDiedError",
]


class VideoflowError(Exception):
    """The root of all errors that Videoflow raises on purpose.

    Args:
        message: Where, what came, what is wanted.
        help: What to do about it; printed on a line of its own.
    """

    def __init__(self, message: str, *, help: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.help = help

    def __str__(self) -> str:
        return f"{self.message}\n  help: {self.help}" if self.help else self.message

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.message, self.__dict__.copy()))


def _rebuild(
    kind: type[VideoflowError], message: str, state: dict[str, object]
) -> VideoflowError:
    error = kind.__new__(kind, message)
    error.args = (message,)
    error.__dict__.update(state)
    return error


class GraphError(VideoflowError, ValueError):
    """A flow that cannot be built or planned."""


class ConfigError(VideoflowError, ValueError):
    """A config file, or a value set for it, that is wrong."""


class ShapeError(VideoflowError, ValueError):
    """An array of the wrong shape, dtype or layout."""


class SourceError(VideoflowError, OSError):
    """Something that cannot be opened or decoded."""


class OutputError(VideoflowError, OSError):
    """Something that cannot be written."""


class ModelError(VideoflowError, ValueError):
    """An unknown model, weights that are not there, or a wrong checksum."""


class MissingDependencyError(VideoflowError, ImportError):
    """An optional library that a feature wants is not installed."""


class LeaseError(VideoflowError, RuntimeError):
    """A lent frame was used after the call that it was lent for."""


class FlowStateError(VideoflowError, RuntimeError):
    """A call that the flow cannot answer in its present state."""


class NodeError(VideoflowError, RuntimeError):
    """User code in a node raised an exception.

    Attributes:
        node: Name of the node.
        worker: Name of the worker process.
        stream: Name of the stream, or None where the error belongs to no frame.
        frame_index: Sequence number of the frame in the flow, or None.
        remote_traceback: The traceback as the worker printed it.
        is_wrong_input: True where what was asked for turned out to be wrong at a first frame:
            a source that cannot be opened, a line outside the picture.
    """

    def __init__(  # noqa: PLR0913 - one argument for each coordinate of the failure
        self,
        message: str,
        *,
        node: str,
        worker: str,
        stream: str | None = None,
        frame_index: int | None = None,
        remote_traceback: str = "",
        is_wrong_input: bool = False,
        help: str | None = None,
    ) -> None:
        super().__init__(message, help=help)
        self.node = node
        self.worker = worker
        self.stream = stream
        self.frame_index = frame_index
        self.remote_traceback = remote_traceback
        self.is_wrong_input = is_wrong_input


class WorkerDiedError(VideoflowError, RuntimeError):
    """A worker process was killed from outside or crashed.

    Attributes:
        worker: Name of the worker.
        nodes: Names of the nodes that it hosted.
        exit_code: As ``subprocess`` counts it: negative for a signal.
    """

    def __init__(
        self,
        message: str,
        *,
        worker: str,
        nodes: tuple[str, ...],
        exit_code: int,
        help: str | None = None,
    ) -> None:
        super().__init__(message, help=help)
        self.worker = worker
        self.nodes = nodes
        self.exit_code = exit_code
