"""A flow: a graph of nodes that can be run, watched and stopped."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Sequence
from types import ModuleType, TracebackType
from typing import Literal, Self

from videoflow.core.drawing import DrawingForm, draw_graph
from videoflow.core.engine import Engine, RunOptions
from videoflow.core.graph import FlowType, Graph
from videoflow.core.graph_builder import build_graph
from videoflow.core.interrupts import interrupts_held
from videoflow.core.node import ConsumerNode, Node, ProducerNode
from videoflow.core.outputs import check_outputs
from videoflow.core.report import Progress, Report
from videoflow.core.rewiring import find_node, put_in_place, swapped
from videoflow.core.running import RunningFlow, TapIterator, alive
from videoflow.core.tap import Tap, TapPolicy
from videoflow.errors import FlowStateError, GraphError

__all__ = ["Flow"]


class Flow:
    """A graph of producers, processors and consumers.

    Making one checks nothing and starts nothing; ``run``, ``explain`` and ``graph`` refuse a
    flow that cannot be built.

    Args:
        producers: All producers.
        consumers: All consumers; what they do not reach upwards is not part of the flow.
        flow_type: ``batch``: nothing is lost, sources wait; ``realtime``: sources never
            wait, the newest frames win; ``auto``: ``realtime`` if a producer is live.
        name: For messages.
        placement: ``process``: each node in a process of its own; ``fused``: one process;
            ``auto``: the planner's choice.
        tickets: Frames of a stream in flight; None for the planner's choice.
    """

    def __init__(  # noqa: PLR0913 - the options of a flow, by keyword
        self,
        producers: Sequence[ProducerNode],
        consumers: Sequence[ConsumerNode],
        flow_type: FlowType | Literal["auto"] = "batch",
        *,
        name: str = "flow",
        placement: Literal["auto", "process", "fused"] = "auto",
        tickets: int | None = None,
    ) -> None:
        self.name = name
        self._producers = list(producers)
        self._consumers = list(consumers)
        if flow_type == "auto":
            flow_type = "realtime" if any(p.is_live for p in self._producers) else "batch"
        self._flow_type: FlowType = flow_type
        self._options = RunOptions(placement, tickets)
        # Weak: a reader that nobody iterates any more needs no tap.
        self._readers: list[weakref.ref[TapIterator]] = []  # of the next run
        self._running: RunningFlow | None = None

    def graph(self) -> Graph:
        """Return the flow as a checked value.

        Raises:
            GraphError: It cannot be built.
        """
        taps = [reader.tap for reader in alive(self._readers)]
        return build_graph(
            self._producers,
            [*self._consumers, *taps],
            flow_type=self._flow_type,
            name=self.name,
        )

    def explain(self, engine: Engine | None = None) -> str:
        """Return in words how the flow would run: workers, nodes, tickets.

        Raises:
            GraphError: It cannot be built or planned.
        """
        return (engine or _local_engine()).explain(self.graph(), self._options)

    def draw(self, form: DrawingForm = "text") -> str:
        """Return a drawing of the flow: ``text``, ``mermaid`` or ``svg``.

        Raises:
            GraphError: It cannot be built, or another form.
        """
        return draw_graph(self.graph(), form)

    def __getitem__(self, name: str) -> Node:
        """Return the node of that name.

        Raises:
            GraphError: There is none, or the flow cannot be built.
        """
        return find_node(self.graph(), name)

    def add(self, *consumers: ConsumerNode) -> Self:
        """Take in more consumers, called with nodes of this flow.

        Raises:
            FlowStateError: It is running.
        """
        self._refuse_while_running("add() and remove()")
        self._consumers += consumers
        return self

    def remove(self, name: str) -> Self:
        """Leave a consumer out, and what only it has reached.

        Raises:
            FlowStateError: It is running.
            GraphError: There is none of that name.
        """
        self._refuse_while_running("add() and remove()")
        node = self[name]
        if node not in self._consumers:
            raise GraphError(f"flow {self.name!r}: {node!r} is no consumer and has to stay")
        self._consumers = [other for other in self._consumers if other is not node]
        return self

    def replace(self, name: str, node: Node) -> Self:
        """Put ``node`` in the place of the one that is called ``name``.

        Args:
            name: Of a node of this flow.
            node: As it was made, not called; its own name is the one that counts from then on.

        Raises:
            FlowStateError: It is running.
            GraphError: No such name, another kind of node, or one that has parents.
        """
        self._refuse_while_running("replace()")
        old = self[name]
        put_in_place(node, old, ends=self._consumers)
        self._producers = [swapped(one, old, node) for one in self._producers]
        self._consumers = [swapped(one, old, node) for one in self._consumers]
        return self

    def run(self, engine: Engine | None = None) -> Self:
        """Start the flow and return; ``join`` waits for it.

        Args:
            engine: What runs it; None for processes on this machine.

        Returns:
            The flow itself.

        Raises:
            FlowStateError: It is running.
            GraphError: It cannot be built or planned.
            VideoflowError: A node refused to start: a missing file, no weights, ...
        """
        if self.is_running:
            raise FlowStateError(f"flow {self.name!r} is running already")
        readers = alive(self._readers)  # held, so that none ends while the flow starts
        graph = self.graph()
        for node in graph.nodes:
            node.node.check()
        check_outputs(graph)
        with interrupts_held(self._end_if_running):
            run = (engine or _local_engine()).start(graph, self._options)
            self._running = RunningFlow(self.name, run, readers)
        for reader in readers:
            index = next(n.index for n in graph.nodes if n.node is reader.tap)
            reader.attach(self._running, run.tapped(index))
        self._readers = []
        if _is_in_notebook():
            _notebook().at_interrupt(self._running.end_if_running)
        return self

    @property
    def is_running(self) -> bool:
        """Whether the flow was started and something of it is left."""
        return self._running is not None and self._running.is_running

    def join(self, timeout_seconds: float | None = None) -> Report:
        """Wait until the flow has ended and return its report.

        Ctrl-C while waiting stops the flow, waits for its end (within seconds), and raises.
        In a notebook a bar shows how far the flow is.

        Args:
            timeout_seconds: How long to wait, without a bar; None for as long as it takes.

        Returns:
            What the flow did.

        Raises:
            FlowStateError: It was not started, or did not end in time (it goes on running).
            NodeError: A node raised.
            WorkerDiedError: A worker was killed or crashed.
        """
        running = self._started()
        if timeout_seconds is None and running.is_running and _is_in_notebook():
            with _notebook().cell_progress(self):
                return running.join(None)
        return running.join(timeout_seconds)

    @property
    def report(self) -> Report:
        """The report of a flow that has ended, also of one that failed.

        Raises:
            FlowStateError: It was not started, or has not ended.
        """
        if self.is_running:
            raise FlowStateError(f"flow {self.name!r} has not ended")
        return self._started().run.report()

    def stop(self) -> None:
        """End all streams and return at once; what has entered is still delivered.

        Outputs of what was done take their final names. ``join`` waits for the end, which
        comes within a bounded time.

        Raises:
            FlowStateError: It was not started.
        """
        self._started().run.stop()

    def progress(self) -> Progress:
        """Return where the flow is; cheap.

        Raises:
            FlowStateError: It was not started.
        """
        return self._started().run.progress()

    def stream(self, node: Node) -> TapIterator:
        """Iterate over what ``node`` puts out, in this process, as copies.

        The flow starts at the first item, if it is not running yet; call ``stream`` for all
        nodes that you want to see before that. A batch flow waits for its readers and ends
        with the last item of the last loop; a realtime flow keeps the newest item of each
        stream for a slow reader. Leaving the loop ends the tap, not the flow; an iterator
        that you keep in a variable ends with ``close()``. A tap is there for one run.

        Two nodes are seen side by side with ``zip``, which ends with the shorter of the two;
        the flow then runs on to its end, and ``join`` waits for it.

        Args:
            node: A producer or processor of the flow.

        Returns:
            An iterator of items, in order for each stream.

        Raises:
            FlowStateError: The flow is running already.
        """
        self._refuse_while_running("stream()")
        return self._tapped(node, "all" if self._flow_type == "batch" else "newest")

    def preview(self, node: Node, *, width_px: int = 480) -> Report:
        """Run the flow, and show in a notebook's cell what ``node`` puts out meanwhile.

        At most four pictures a second are shown, always the newest, one for each stream; the
        flow never waits for them. Interrupting the cell stops the flow.

        Args:
            node: A producer or processor of the flow that puts out frames.
            width_px: Wider frames are shown as wide as this.

        Returns:
            What the flow did, as ``join`` does.

        Raises:
            FlowStateError: There is no notebook, or the flow is running already.
            MissingDependencyError: IPython is not installed.
            ShapeError: What ``node`` puts out is no frame.
            NodeError: A node raised.
        """
        pictures = _notebook().CellPictures(width_px=width_px)
        self._refuse_while_running("preview()")
        frames = self._tapped(node, "newest")
        with self:
            self.run()
            with _notebook().cell_progress(self):
                pictures.show_all(frames)
                return self._started().join(None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the flow if it still runs, and wait for its end."""
        if self._running is None:
            return
        if kind is None and not self._running.is_running:
            self.join()
        else:
            self._running.end()

    def _tapped(self, node: Node, policy: TapPolicy) -> TapIterator:
        tap = Tap(policy, name=f"tap {node.name}")(node)
        reader = TapIterator(tap, self.run)
        self._readers.append(weakref.ref(reader))
        return reader

    def _refuse_while_running(self, call: str) -> None:
        if self.is_running:
            raise FlowStateError(
                f"flow {self.name!r} is running already", help=f"call {call} before run()"
            )

    def _end_if_running(self) -> None:
        if self._running is not None:
            self._running.end_if_running()

    def _started(self) -> RunningFlow:
        if self._running is None:
            raise FlowStateError(f"flow {self.name!r} was not started", help="call run() first")
        return self._running

    def __repr__(self) -> str:
        return f"Flow({self.name!r}, {self._flow_type!r})"

    def _repr_html_(self) -> str:
        return self.draw("svg")


def _is_in_notebook() -> bool:
    return "ipykernel" in sys.modules  # elsewhere nothing of notebooks is imported


def _notebook() -> ModuleType:
    # The one door to notebooks, as the next one is to the runtime.
    import videoflow.app.notebook

    return videoflow.app.notebook


def _local_engine() -> Engine:
    # The one door to the runtime: a flow that is only looked at needs none of it.
    from videoflow.runtime.local import LocalEngine

    return LocalEngine()
