"""How much memory a plan takes: of each GPU contexts, models and slots, of the host slots.

An estimate from what is known before anything starts. What a network needs while it runs is
not known then, so a plan that just fits may still run out; one that does not fit never runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from videoflow.core.node import Node, ProducerNode
from videoflow.errors import GraphError
from videoflow.runtime.gpus import Gpu
from videoflow.runtime.plan import NodePlan, Plan
from videoflow.runtime.siting import is_on_gpu

__all__ = ["DeviceMemory", "check_memory", "plan_host_slots", "plan_memory"]

_CONTEXT_BYTES = 500 << 20
"""Of one process on one GPU. Source: SGLang, pull request 22662, on H100-class GPUs."""

_DOOR_SLOTS = 2  # of a realtime stream: one waits at the door, one is being written


@dataclass(frozen=True, slots=True)
class DeviceMemory:
    """What a plan takes of one GPU.

    Attributes:
        device: Its name.
        context_bytes: For the CUDA contexts of the workers.
        model_bytes: For the weights of the nodes.
        slot_bytes: For slots, as far as the size of the frames is known.
        is_complete: Whether the size of all frames is known.
    """

    device: str
    context_bytes: int
    model_bytes: int
    slot_bytes: int
    is_complete: bool

    @property
    def num_bytes(self) -> int:
        """All of it."""
        return self.context_bytes + self.model_bytes + self.slot_bytes


def plan_memory(plan: Plan) -> tuple[DeviceMemory, ...]:
    """Return what ``plan`` takes of each GPU that it uses, in the order of their names."""
    devices = sorted({d for node in plan.nodes for d in node.devices if is_on_gpu(d)})
    return tuple(_device_memory(plan, device) for device in devices)


def plan_host_slots(plan: Plan) -> dict[str, int | None]:
    """Return what the slots of each node take of the host's memory when all are in use.

    Returns:
        Name to bytes, of the nodes that put out frames in host memory; None where nobody
        knows how large its frames are.
    """
    slots: dict[str, int | None] = {}
    for node in plan.nodes:
        tasks = [task for task, where in enumerate(node.devices) if not is_on_gpu(where)]
        sizes = [_slot_bytes(plan, node, task) for task in tasks]
        if any(size != 0 for size in sizes):
            slots[node.name] = None if None in sizes else sum(size or 0 for size in sizes)
    return slots


def check_memory(plan: Plan, gpus: Sequence[Gpu]) -> None:
    """Refuse a plan that cannot fit.

    Raises:
        GraphError: A GPU has less free memory than the plan is known to take.
    """
    free = {gpu.name: gpu.free_bytes for gpu in gpus}
    for memory in plan_memory(plan):
        available = free.get(memory.device)
        if available is not None and memory.num_bytes > available:
            raise GraphError(
                f"flow {plan.graph.name!r}: takes {_gib(memory.num_bytes)} of {memory.device} "
                f"({_gib(memory.slot_bytes)} for slots, {_gib(memory.model_bytes)} for models, "
                f"{_gib(memory.context_bytes)} for contexts), and {_gib(available)} are free",
                help="lower max_batch_size or tickets, use placement='fused', or a smaller "
                "model; explain() shows the plan",
            )


def _device_memory(plan: Plan, device: str) -> DeviceMemory:
    tasks = [
        (node, task)
        for node in plan.nodes
        for task, where in enumerate(node.devices)
        if where == device
    ]
    sizes = [_slot_bytes(plan, node, task) for node, task in tasks]
    return DeviceMemory(
        device=device,
        context_bytes=_CONTEXT_BYTES * len({node.workers[task] for node, task in tasks}),
        model_bytes=sum(_node(plan, node.index).model_bytes for node, _ in tasks),
        slot_bytes=sum(size or 0 for size in sizes),
        is_complete=None not in sizes,
    )


def _slot_bytes(plan: Plan, here: NodePlan, task: int) -> int | None:
    """Return what the slots of a task take, or None where the size of frames is unknown."""
    node = _node(plan, here.index)
    if not (isinstance(node, ProducerNode) or node.makes_frames):
        return 0
    deal = here.deal(task)
    lanes = [lane for lane in plan.graph.nodes[here.index].lanes if deal.takes_lane(lane)]
    has_door = isinstance(node, ProducerNode) and plan.graph.flow_type == "realtime"
    extra = _DOOR_SLOTS if has_door else 0
    sizes = [_lane_bytes(plan, plan.graph.lanes[lane].sources, extra) for lane in lanes]
    return None if None in sizes else sum(size or 0 for size in sizes)


def _lane_bytes(plan: Plan, sources: Sequence[int], extra: int) -> int | None:
    total = 0
    for source in sources:
        producer = _node(plan, source)
        assert isinstance(producer, ProducerNode)
        if producer.item_bytes is None:
            return None
        total += producer.item_bytes * (plan.source(source).tickets + extra)
    return total


def _node(plan: Plan, index: int) -> Node:
    return plan.graph.nodes[index].node


def _gib(num_bytes: int) -> str:
    return f"{num_bytes / (1 << 30):.2f} GiB"
