"""What a user writes: the kinds of node.

A node knows its parents and its options, never the runtime. The runtime lends it a
``NodeRuntime`` while it is open; without one (in a test, in a notebook cell) it works too.
"""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    Final,
    Generic,
    Literal,
    Protocol,
    Self,
    TypedDict,
    TypeVar,
    final,
)

import numpy as np

from videoflow.errors import GraphError

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray
    from torch import Tensor, dtype

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


class NodeOptions(TypedDict, total=False):
    """What every node can be told, by keyword.

    Keys:
        name: Lower case; by default the class name in snake case.
        nb_tasks: Workers that share the node's frames (for a per-stream node, its streams).
        device: ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"cuda:N"``.
        on_error: ``"stop"`` ends the flow, ``"skip"`` gives the frame up and goes on.
        max_failures: With ``"skip"``: how many are forgiven before the flow ends; None for all.
        restarts: How often a worker of this node may be started again after it was killed.
        num_threads: Threads for the node's own computing (torch); None for the plan's choice.
    """

    name: str
    nb_tasks: int
    device: str
    on_error: Literal["stop", "skip"]
    max_failures: int | None
    restarts: int
    num_threads: int | None


_DEFAULTS: Final[NodeOptions] = {
    "nb_tasks": 1,
    "device": "auto",
    "on_error": "stop",
    "max_failures": None,
    "restarts": 0,
    "num_threads": None,
}


class NodeRuntime(Protocol):
    """What the runtime lends to an open node."""

    def slot(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """Return host memory of the slot that belongs to the item in work."""

    def slot_tensor(self, shape: tuple[int, ...], dtype: dtype) -> Tensor:
        """Return device memory of the slot that belongs to the item in work."""

    @property
    def device(self) -> str:
        """Where the node's tensors are: ``cpu`` or ``cuda:N``."""

    def note(self, text: str) -> None:
        """Add a remark to the flow's report."""


class Node(ABC):
    """A place in a flow. Construct cheaply; work begins in ``open()``.

    Attributes:
        preload: Modules that the node needs and that are slow to import; workers start
            faster when they are imported once for all.
        is_light: True where a call takes so little time that a message to another process
            would cost more; the planner puts light neighbours into one worker.
        prefers_gpu: True where ``device="auto"`` means a GPU if there is one, also when the
            inputs are in host memory; other nodes stay where their inputs are.
        makes_frames: True where the output is a picture as large as the input; the planner
            counts the memory of its slots.
    """

    preload: ClassVar[tuple[str, ...]] = ()
    is_light: ClassVar[bool] = False
    prefers_gpu: ClassVar[bool] = False
    makes_frames: ClassVar[bool] = False

    _options: NodeOptions
    _parents: tuple[Any, ...] | None
    _runtime: NodeRuntime | None

    def __new__(cls, *_args: Any, **_kwargs: Any) -> Self:  # noqa: D102 - see below
        # Here and not in __init__, so that a subclass that forgets super().__init__() works.
        self = super().__new__(cls)
        self._options = _DEFAULTS.copy()
        self._parents = None
        self._runtime = None
        return self

    def __init__(self, **options: Any) -> None:
        """Take the options that every node has.

        Args:
            **options: See ``NodeOptions``.

        Raises:
            GraphError: An option that there is not, or a value that makes no sense.
        """
        unknown = sorted(set(options) - set(NodeOptions.__annotations__))
        if unknown:
            raise GraphError(
                f"{type(self).__name__}: got unknown option {unknown[0]!r}",
                help=f"options of every node: {', '.join(NodeOptions.__annotations__)}",
            )
        self._options = {**_DEFAULTS, **options}  # type: ignore[typeddict-item] # checked above
        _check_options(type(self).__name__, self._options)

    def __call__(self, *parents: Node) -> Self:
        """Take ``parents`` as inputs, in the order of the arguments of ``process``.

        Returns:
            The node itself.

        Raises:
            GraphError: Called twice, without parents, with something that is no node, or on
                a producer.
        """
        if isinstance(self, ProducerNode):
            raise GraphError(f"{self.name!r} is a producer and takes no parents")
        if self._parents is not None:
            raise GraphError(
                f"{self.name!r} was called twice: it has parents already",
                help="make a second node for the second place",
            )
        if not parents:
            raise GraphError(f"{self.name!r} was called without parents")
        for parent in parents:
            if not isinstance(parent, Node):
                raise GraphError(
                    f"{self.name!r}: got {parent!r} as a parent, want a node",
                    help="wrap a plain function: FunctionProcessor(f)(parent)",
                )
            if isinstance(parent, ConsumerNode):
                raise GraphError(
                    f"{self.name!r}: {parent.name!r} is a consumer and has no output"
                )
        self._parents = parents
        return self

    @property
    def name(self) -> str:
        """The node's name; a flow makes equal names unique by a number."""
        return self._options.get("name") or _snake_case(type(self).__name__)

    @property
    def options(self) -> NodeOptions:
        """The options, defaults filled in."""
        return self._options

    @property
    def parents(self) -> tuple[Node, ...]:
        """The nodes that this one was called with."""
        return self._parents or ()

    @property
    def model_bytes(self) -> int:
        """How much memory the node's weights take in a worker. For the plan only."""
        return 0

    def check(self) -> None:  # noqa: B027 - most nodes have nothing to check
        """Refuse what can be known to fail before any worker starts; runs in the caller.

        Raises:
            VideoflowError: A missing file, an output that cannot be written, ...
        """

    def open(self) -> None:  # noqa: B027 - most nodes have nothing to open
        """Load and connect; runs in the worker, once, before the first item."""

    def close(self) -> None:  # noqa: B027
        """Let go of what ``open`` took; runs in the worker, also after an error."""

    @final
    @property
    def device(self) -> str:
        """Where the node's tensors are: ``cpu`` or ``cuda:N``; before a flow, the option."""
        return self.options["device"] if self._runtime is None else self._runtime.device

    @final
    def slot(self, shape: tuple[int, ...], dtype: DTypeLike = np.uint8) -> NDArray[Any]:
        """Return memory to write this item's output into, so that it is not copied again.

        Inside ``next``, ``process`` and ``process_batch`` (there, one call for each item,
        in order). What is returned from the call may hold it or views of it.

        Args:
            shape: Of the array.
            dtype: NumPy dtype.

        Returns:
            A writable, uninitialised array in host memory.
        """
        if self._runtime is None:
            return np.empty(shape, dtype)
        return self._runtime.slot(shape, dtype)

    @final
    def slot_tensor(self, shape: tuple[int, ...], dtype: dtype | None = None) -> Tensor:
        """Return ``slot`` as a tensor on the node's device.

        Args:
            shape: Of the tensor.
            dtype: torch dtype; uint8 if None.

        Returns:
            A contiguous, uninitialised tensor.
        """
        import torch  # only for who asks for a tensor

        if self._runtime is None:
            return torch.empty(shape, dtype=dtype or torch.uint8)
        return self._runtime.slot_tensor(shape, dtype or torch.uint8)

    @final
    def note(self, text: str) -> None:
        """Add a remark to the flow's report: what did not stop the node."""
        if self._runtime is not None:
            self._runtime.note(text)

    def __getstate__(self) -> dict[str, Any]:
        # A worker gets its nodes, not the graph around them.
        return self.__dict__ | {"_parents": None, "_runtime": None}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"


class ProducerNode(Node):
    """Reads a source, one item at a time, and is one stream.

    Attributes:
        stream: Name of the stream that the producer is.
        is_live: True where frames come whether or not anybody takes them, as from a camera.
    """

    is_live: ClassVar[bool] = False

    @property
    def stream(self) -> str:
        """The stream's name; a flow makes equal names unique by a number."""
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
            if not is_unset and not _is_count(value, 1):
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
        self.max_batch_size = max_batch_size
        self.max_delay_seconds = max_delay_seconds
        self.max_per_stream = max_per_stream
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
    """The end of a branch: writes, logs, sends."""

    @abstractmethod
    def consume(self, *inputs: Any) -> None:
        """Take the inputs of one frame, lent and read-only until the call returns."""

    def end_stream(self, stream: str, ending: Ending) -> None:
        """Hear that ``stream`` has ended; nothing more of it will come.

        What is half-written may only take its final name when ``ending`` is not ``failed``.
        ``close`` follows when all streams have ended, or alone when the flow was torn down.
        """


def _check_options(owner: str, options: NodeOptions) -> None:
    wanted: dict[str, tuple[bool, str]] = {
        "nb_tasks": (_is_count(options["nb_tasks"], 1), "an int >= 1"),
        "restarts": (_is_count(options["restarts"], 0), "an int >= 0"),
        "on_error": (options["on_error"] in ("stop", "skip"), "'stop' or 'skip'"),
        "max_failures": (
            options["max_failures"] is None or _is_count(options["max_failures"], 0),
            "an int >= 0 or None",
        ),
        "num_threads": (
            options["num_threads"] is None or _is_count(options["num_threads"], 1),
            "an int >= 1 or None",
        ),
        "device": (
            bool(re.fullmatch(r"auto|cpu|cuda(:\d+)?", str(options["device"]))),
            "'auto', 'cpu', 'cuda' or 'cuda:N'",
        ),
        "name": (isinstance(options.get("name", ""), str), "a str"),
    }
    for key, (is_good, want) in wanted.items():
        if not is_good:
            raise GraphError(f"{owner}: got {key}={options.get(key)!r}, want {want}")


def _is_count(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
