"""How a network's layers are run: one by one, as a recorded CUDA graph, or compiled.

The last two take a batch of one size again and again, so that batches are filled up to the
next power of two.
"""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, Literal, NamedTuple

import torch
from torch import Tensor, nn

from videoflow.errors import GraphError, ModelError
from videoflow.nets.network import Network
from videoflow.nets.output_forms import DENSE_FORMS

__all__ = ["BucketedNetwork", "Execution", "GraphedNetwork", "bucket_sizes", "executed"]

Execution = Literal["eager", "graphs", "compiled"]
"""``eager``: layer by layer. ``graphs``: recorded once for each size of input, and replayed
with one call: saves the host's time, on GPUs only. ``compiled``: by ``torch.compile``, which
takes its time before the first frame."""

_NUM_TRIALS: Final = 3
"""Runs before a recording, in which libraries choose their algorithms."""

_RECORDING = threading.Lock()
"""torch records one graph at a time in a process."""


def executed(network: Network, execution: Execution, *, device: torch.device) -> Network:
    """Return ``network`` with another way to run its layers.

    Raises:
        GraphError: CUDA graphs on a CPU.
        ModelError: A network that can only be run as it is.
    """
    if execution == "eager":
        return network
    if execution == "graphs" and device.type != "cuda":
        raise GraphError(
            f"model {network.name!r}: got execution='graphs' on {device}",
            help="CUDA graphs are for NVIDIA GPUs; execution='compiled' is for CPUs too",
        )
    has_fixed_steps = network.output.form in (*DENSE_FORMS, "class_logits")
    if not isinstance(network.run, nn.Module) or network.batch_size or not has_fixed_steps:
        raise ModelError(
            f"model {network.name!r}: got execution={execution!r} for a network that is run "
            "as it is, or whose steps depend on what it sees",
            help="execution='eager'",
        )
    run: Callable[[Tensor], Any]
    if execution == "graphs":
        run = GraphedNetwork(network.run, name=network.name)
    else:
        run = torch.compile(network.run, dynamic=False)
    return network._replace(run=BucketedNetwork(run))


def bucket_sizes(max_batch_size: int) -> tuple[int, ...]:
    """Return the sizes that batches of 1 to ``max_batch_size`` are filled up to; rising.

    Example:
        >>> bucket_sizes(12)
        (1, 2, 4, 8, 16)
    """
    return tuple(1 << power for power in range((max_batch_size - 1).bit_length() + 1))


class BucketedNetwork:
    """Fills batches up to the next power of two, so that a network sees few sizes.

    Args:
        run: From ``[N, 3, H, W]`` to tensors whose first dimension is N, in tuples, lists and
            mappings.
    """

    def __init__(self, run: Callable[[Tensor], Any]) -> None:
        self._run = run

    def forget(self) -> None:
        """Give back the memory that is held for the sizes so far, where any is."""
        if isinstance(self._run, GraphedNetwork):
            self._run.forget()

    def __call__(self, images: Tensor) -> Any:
        """Return what the network gives for ``images``; valid until the next call."""
        num, size = len(images), bucket_sizes(len(images))[-1]
        if num == size:
            return self._run(images)
        filled = torch.empty(
            (size, *images.shape[1:]),
            dtype=images.dtype,
            device=images.device,
            memory_format=torch.channels_last,
        )
        filled[:num] = images
        filled[num:] = 0
        return _first_rows(self._run(filled), num)


class _Graph(NamedTuple):
    """A recording: what it reads, what it writes, and how it is run again."""

    images: Tensor
    outputs: Any
    replay: Callable[[], None]


Record = Callable[[Callable[[Tensor], Any], Tensor], tuple[Any, Callable[[], None]]]
"""From a network and its input to its outputs, and what computes them again in place."""


class GraphedNetwork:
    """Records a network once for each size of input, and replays it on the current stream.

    Args:
        run: Queues work for one device and never waits for it.
        name: Of the model, for messages.
        record: How it is recorded.
    """

    def __init__(
        self, run: Callable[[Tensor], Any], *, name: str, record: Record | None = None
    ) -> None:
        self._run = run
        self._name = name
        self._record = record or CudaRecorder(name)
        self._graphs: dict[torch.Size, _Graph] = {}

    def forget(self) -> None:
        """Let go of all recordings, none of which may be running, and of their memory."""
        self._graphs.clear()

    def __call__(self, images: Tensor) -> Any:
        """Return what the network gives; the next call writes into the same memory.

        Raises:
            ModelError: The network waits for the device somewhere.
        """
        graph = self._graphs.get(images.shape)
        if graph is None:
            own = torch.empty_like(images).copy_(images)
            graph = _Graph(own, *self._record(self._run, own))
            self._graphs[images.shape] = graph
        graph.images.copy_(images)
        graph.replay()
        return graph.outputs


class CudaRecorder:
    """Records CUDA graphs of a GPU that share their memory, as they never run side by side.

    Args:
        name: Of the model, for messages.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._newest: Callable[[], torch.cuda.CUDAGraph | None] = lambda: None
        self._stream: torch.cuda.Stream | None = None

    def __call__(
        self, run: Callable[[Tensor], Any], images: Tensor
    ) -> tuple[Any, Callable[[], None]]:
        """Record ``run``; see ``Record``."""
        # A pool goes with its last graph, and must not be named again.
        newest = self._newest()
        pool = None if newest is None else newest.pool()
        # torch's own stream for recordings is one for all threads, on the first of the GPUs.
        self._stream = self._stream or torch.cuda.Stream(images.device)  # type: ignore[no-untyped-call] # torch's
        had_benchmark = torch.backends.cudnn.benchmark
        torch.backends.cudnn.benchmark = True  # the recording keeps the algorithm it finds
        try:
            for _ in range(_NUM_TRIALS):
                run(images)
            graph = torch.cuda.CUDAGraph()
            # Other threads of the process (decoders) go on allocating meanwhile.
            capture = torch.cuda.graph(
                graph, pool, stream=self._stream, capture_error_mode="thread_local"
            )
            with _undisturbed(), capture:
                outputs = run(images)
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            first = error.__context__ or error  # the other one says that there was a first
            raise ModelError(
                f"model {self._name!r}: cannot be recorded as a CUDA graph: {first}",
                help="execution='eager'",
            ) from error
        finally:
            torch.backends.cudnn.benchmark = had_benchmark
        self._newest = weakref.ref(graph)
        return outputs, graph.replay


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Keep out of a recording what would spoil it.

    That is another thread's recording, before which torch waits for the whole device, and
    garbage that is collected on this thread and gives memory back to the driver.
    """
    with _RECORDING:
        was_enabled = gc.isenabled()
        gc.disable()
        try:
            yield
        finally:
            if was_enabled:
                gc.enable()


def _first_rows(outputs: Any, num: int) -> Any:
    if isinstance(outputs, Tensor):
        return outputs[:num]
    if isinstance(outputs, Mapping):
        return {name: _first_rows(one, num) for name, one in outputs.items()}
    parts = [_first_rows(one, num) for one in outputs]
    return type(outputs)(*parts) if hasattr(outputs, "_fields") else type(outputs)(parts)
