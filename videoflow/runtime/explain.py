"""A plan in words."""

from __future__ import annotations

from videoflow.runtime.memory import DeviceMemory, plan_host_slots, plan_memory
from videoflow.runtime.plan import NodePlan, Plan

__all__ = ["explain_plan"]


def explain_plan(plan: Plan) -> str:
    """Return how a flow will run: workers, their nodes, tickets, and memory where it is known.

    Args:
        plan: What would run.

    Returns:
        Lines of text.
    """
    graph = plan.graph
    lines = [
        f"flow {graph.name!r}: {graph.flow_type}, placement {plan.placement}, "
        f"{len(plan.workers)} workers"
    ]
    for worker in plan.workers:
        lines.append(f"  worker {worker.index} {worker.name!r}")
        lines += [f"    {_node_line(plan, index)}" for index in worker.nodes]
    for source in plan.sources:
        tickets = f"{source.tickets} tickets"
        if source.max_tickets > source.tickets:
            tickets += f" ({source.max_tickets} while only small items travel)"
        lines.append(f"  stream {source.stream!r}: {tickets}")
    lines += [f"  {line}" for line in _host_lines(plan)]
    lines += [f"  {_memory_line(memory)}" for memory in plan_memory(plan)]
    return "\n".join([*lines, *(f"  note: {note}" for note in plan.notes)])


def _places(node: NodePlan) -> str:
    return " and ".join(dict.fromkeys(node.devices))


def _host_lines(plan: Plan) -> list[str]:
    slots = plan_host_slots(plan)
    known = {name: size for name, size in slots.items() if size is not None}
    if not known:
        return []
    told = ", ".join(f"{name} {_mib(size)}" for name, size in known.items())
    unknown = "" if len(known) == len(slots) else ", and frames of unknown size"
    return [f"memory of the host: slots {_mib(sum(known.values()))} ({told}){unknown}"]


def _mib(num_bytes: int) -> str:
    return f"{num_bytes / (1 << 20):.1f} MiB"


def _memory_line(memory: DeviceMemory) -> str:
    slots, models, contexts = (
        f"{size / (1 << 20):.0f} MiB"
        for size in (memory.slot_bytes, memory.model_bytes, memory.context_bytes)
    )
    unknown = "" if memory.is_complete else " and frames of unknown size"
    return (
        f"memory of {memory.device}: slots {slots}{unknown}, "
        f"models {models} and what they need to run, contexts about {contexts}"
    )


def _node_line(plan: Plan, index: int) -> str:
    node, here = plan.graph.nodes[index], plan.nodes[index]
    parents = dict.fromkeys(
        plan.nodes[feed.parent].name for port in node.ports for feed in port
    )
    parts = [f"{here.name}: {type(node.node).__name__} on {_places(here)}"]
    if parents:
        parts.append(f"from {', '.join(parents)}")
    if here.batch is not None:
        parts.append(f"batches of up to {here.batch.max_batch_size}")
    if len(here.workers) > 1:
        parts.append(f"one of {len(here.workers)} tasks")
    parts.append(f"{here.num_threads} {'thread' if here.num_threads == 1 else 'threads'}")
    return ", ".join(parts)
