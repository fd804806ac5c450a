"""A plan in words."""

from __future__ import annotations

from videoflow.runtime.plan import Plan

__all__ = ["explain_plan"]


def explain_plan(plan: Plan) -> str:
    """Return how a flow will run: workers, their nodes, tickets.

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
    return "\n".join([*lines, *(f"  note: {note}" for note in plan.notes)])


def _node_line(plan: Plan, index: int) -> str:
    node, here = plan.graph.nodes[index], plan.nodes[index]
    parents = dict.fromkeys(
        plan.nodes[feed.parent].name for port in node.ports for feed in port
    )
    parts = [f"{here.name}: {type(node.node).__name__} on {here.device}"]
    if parents:
        parts.append(f"from {', '.join(parents)}")
    if here.batch is not None:
        parts.append(f"batches of up to {here.batch.max_batch_size}")
    if len(here.workers) > 1:
        parts.append(f"one of {len(here.workers)} tasks")
    parts.append(f"{here.num_threads} {'thread' if here.num_threads == 1 else 'threads'}")
    return ", ".join(parts)
