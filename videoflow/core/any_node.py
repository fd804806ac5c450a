"""What every node is, of whatever kind: a place in a flow, with a name, options and parents.

A node knows its parents and its options, never the runtime. The runtime lends it a
``NodeRuntime`` while it is open; without one (in a test, in a notebook cell) it works too.
"""

from __future__ import annotations

import re
from abc import ABC
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, Self, final

import numpy as np

from videoflow.core.node_options import DEFAULT_OPTIONS, NodeOptions, check_options
from videoflow.errors import GraphError

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray
    from torch import Tensor, dtype

__all__ = ["Node", "NodeRuntime"]

AutoDevice = Literal["inputs", "gpu", "cpu"]
"""What ``device="auto"`` means for a kind of node; see ``Node.auto_device``."""


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
        auto_device: What ``device="auto"`` means: ``"inputs"`` is the GPU that an input lies
            on, else the CPU; ``"gpu"`` is a GPU if there is one, also for inputs in host
            memory; ``"cpu"`` is for a node that computes on the CPU and takes no pictures: a
            worker that does nothing on a GPU takes none of its memory.
        makes_frames: True where the output is a picture as large as the input; the planner
            counts the memory of its slots.
    """

    preload: ClassVar[tuple[str, ...]] = ()
    is_light: ClassVar[bool] = False
    auto_device: ClassVar[AutoDevice] = "inputs"
    makes_frames: ClassVar[bool] = False

    _takes_parents: ClassVar[bool] = True
    _has_output: ClassVar[bool] = True

    _options: NodeOptions
    _parents: tuple[Any, ...] | None
    _runtime: NodeRuntime | None

    def __new__(cls, *_args: Any, **_kwargs: Any) -> Self:  # noqa: D102 - see below
        # Here and not in __init__, so that a subclass that forgets super().__init__() works.
        self = super().__new__(cls)
        self._options = DEFAULT_OPTIONS.copy()
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
        self._options = {**DEFAULT_OPTIONS, **options}  # type: ignore[typeddict-item] # checked above
        check_options(type(self).__name__, self._options)

    def __call__(self, *parents: Node) -> Self:
        """Take ``parents`` as inputs, in the order of the arguments of ``process``.

        Returns:
            The node itself.

        Raises:
            GraphError: Called twice, without parents, with something that is no node, or on
                a producer.
        """
        if not self._takes_parents:
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
            if not parent._has_output:
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


def _snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
