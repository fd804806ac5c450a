"""What a user writes: the kinds of node."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, Final, Generic, Literal, TypeVar

from videoflow.core.any_node import Node, NodeRuntime
from videoflow.core.node_options import NodeOptions, is_count
from videoflow.errors import GraphError

__all__ = [
    "SKIP",
    "BatchProcessorNode",
    "ConsumerNode",
    "Ending",
    "Node",
    "NodeOptions",
    "NodeRuntime",
    "OneTaskProcessorNode",
    "PerStreamProcessorNode",
    "ProcessorNode",
    "ProducerNode",
    "Skip",
]

State = TypeVar("State")

Ending = Literal["finished", "stopped", "failed"]
"""How a stream ended: the source was read to its end, somebody stopped it, or it broke."""


class Skip:
    """The type of ``SKIP``."""

    def __repr__(self) -> str:
        return "SKIP"

    def __reduce__(self) -> str:
        return "SKIP"


SKIP: Final = Skip()
"""Returned by a processor: nothing goes on for this frame. ``None`` is ordinary data."""


class ProducerNode(Node):
    """Reads a source, one item at a time, and is one stream.

    Attributes:
        stream: Name of the stream that the producer is.
        is_live: True where frames come whether or not anybody takes them, as from a camera.
    """

    is_live: ClassVar[bool] = False
    _takes_parents: ClassVar[bool] = False

    @property
    def stream(self) -> str:
        """The stream's name; a flow makes equal names unique by a number.

        What the producer stamps with it (``Stamp.stream``) travels under the unique name.
        """
        return self.name

    @property
    def num_items(self) -> int | None:
        """How many items will come, or None where nobody knows. For progress only."""
        return None

    @property
    def item_bytes(self) -> int | None:
        """How large an item is, or None where nobody knows before. For the plan only."""
        return None

    @property
    def size_hw(self) -> tuple[int, int] | None:
        """Height and width of its pictures in pixels, or None where nobody knows before."""
        return None

    @abstractmethod
    def next(self) -> Any:
        """Return the next item; may block.

        Raises:
            StopIteration: The source has ended.
        """


class ProcessorNode(Node):
    """Computes one output from the inputs of one frame."""

    is_stateless: ClassVar[bool] = True

    @abstractmethod
    def process(self, *inputs: Any) -> Any:
        """Return the output for one frame, or ``SKIP``.

        Args:
            *inputs: One for each parent, lent and read-only until the call returns.
        """

    def flush(self) -> Iterator[Any]:
        """Yield what the node still holds when its inputs have ended."""
        return iter(())


class OneTaskProcessorNode(ProcessorNode):
    """A processor with one state for the whole flow: it never has more than one worker."""

    is_stateless: ClassVar[bool] = False

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        if self.options["nb_tasks"] != 1:
            raise GraphError(
                f"{self.name!r} keeps one state: "
                f"got nb_tasks={self.options['nb_tasks']}, want 1"
            )


class PerStreamProcessorNode(Node, Generic[State]):
    """A processor with one state for each stream, made by the framework."""

    @abstractmethod
    def make_state(self, stream: str) -> State:
        """Return a fresh state for ``stream``."""

    @abstractmethod
    def process(self, state: State, *inputs: Any) -> Any:
        """Return the output for one frame of the state's stream, or ``SKIP``."""

    def flush(self, state: State) -> Iterator[Any]:
        """Yield what the state still holds when its stream has ended."""
        return iter(())


class BatchProcessorNode(Node):
    """A stateless processor that takes several frames in one call.

    Args:
        max_batch_size: At most so many frames in one call.
        max_delay_seconds: Realtime: how long a frame may wait for others, counted from its
            entry into the flow.
        max_per_stream: Realtime: at most so many frames of one stream in a batch; None for
            no limit.
        max_staleness_seconds: Realtime: a frame that is older than this, counted from when it
            was read, when its batch is closed is dropped, so that the model's time goes to
            newer ones; None for no limit.
        every: Process each so many-th frame of a stream, from its first; for the others the
            output is ``None`` (not ``SKIP``: who follows hears of every frame). Counted are
            the frames that entered the flow.
        **options: See ``NodeOptions``.

    Raises:
        GraphError: A value that makes no sense.
    """

    def __init__(
        self,
        *,
        max_batch_size: int = 8,
        max_delay_seconds: float = 0.02,
        max_per_stream: int | None = None,
        max_staleness_seconds: float | None = None,
        every: int = 1,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        for key, value in (
            ("max_batch_size", max_batch_size),
            ("max_per_stream", max_per_stream),
            ("every", every),
        ):
            is_unset = value is None and key == "max_per_stream"
            if not is_unset and not is_count(value, 1):
                raise GraphError(f"{self.name!r}: got {key}={value!r}, want an int >= 1")
        if math.gcd(every, self.options["nb_tasks"]) > 1:
            # Frames are dealt to the tasks in turn: some would get all that are processed.
            raise GraphError(
                f"{self.name!r}: got every={every} and nb_tasks={self.options['nb_tasks']}, "
                "want two numbers without a common divisor",
                help="every=3 goes with 2 tasks, every=2 with 3",
            )
        if not max_delay_seconds >= 0:
            raise GraphError(
                f"{self.name!r}: got max_delay_seconds={max_delay_seconds!r}, want >= 0"
            )
        if max_staleness_seconds is not None and not max_staleness_seconds > 0:
            raise GraphError(
                f"{self.name!r}: got max_staleness_seconds={max_staleness_seconds!r}, "
                "want more than 0, or None"
            )
        self.max_batch_size = max_batch_size
        self.max_delay_seconds = max_delay_seconds
        self.max_per_stream = max_per_stream
        self.max_staleness_seconds = max_staleness_seconds
        self.every = every

    @abstractmethod
    def process_batch(self, batch: Sequence[Any]) -> Sequence[Any]:
        """Return one output, or ``SKIP``, for each item of ``batch``, in its order.

        Args:
            batch: At least one item. An item is the input itself where the node has one
                parent, and a tuple of inputs where it has several.
        """

    def begin_batch(self, batch: Sequence[Any]) -> Callable[[], Sequence[Any]] | None:
        """Queue the work for ``batch`` on an accelerator, for a node that can.

        The next batch is begun before the results of this one are asked for, so that the
        accelerator never waits for the host. Such a node asks for no slots, and must be able
        to ``process_batch`` the same items again (after an error, in smaller batches).

        Args:
            batch: As in ``process_batch``; stays valid until the results were returned.

        Returns:
            What waits for the results and returns them as ``process_batch`` does, or None
            where ``process_batch`` is to be called.
        """
        return None


class ConsumerNode(Node):
    """The end of a branch: writes, logs, sends.

    Attributes:
        shares_output: True where several nodes of the kind may write to one file.
    """

    shares_output: ClassVar[bool] = False
    _has_output: ClassVar[bool] = False

    @abstractmethod
    def consume(self, *inputs: Any) -> None:
        """Take the inputs of one frame, lent and read-only until the call returns."""

    def end_stream(self, stream: str, ending: Ending) -> None:
        """Hear that ``stream`` has ended; nothing more of it will come.

        What is half-written may only take its final name when ``ending`` is not ``failed``.
        ``close`` follows when all streams have ended, or alone when the flow was torn down.
        """

    def output_path(self, stream: str) -> Path | None:
        """Return the file that the node writes for ``stream``; None where it writes none.

        Asked after ``check()``, so that a flow refuses two nodes that write one file. Of what
        is not known before, such as ``{index}``, the place stays in the path.
        """
        return None
