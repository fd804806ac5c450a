"""A plan for programs: what ``explain`` says, as JSON."""

from __future__ import annotations

import json
from typing import Any

from videoflow.core.engine import RunOptions
from videoflow.core.graph import Graph
from videoflow.runtime.local import LocalEngine
from videoflow.runtime.plan import Plan
from videoflow.runtime.planner import make_plan

__all__ = ["PlanAsJson"]


class PlanAsJson(LocalEngine):
    """Explains a flow in JSON: ``flow.explain(PlanAsJson())``."""

    def explain(self, graph: Graph, options: RunOptions) -> str:
        """Return how ``graph`` would run here, as a JSON object."""
        plan = make_plan(graph, placement=options.placement, tickets=options.tickets)
        return json.dumps(_facts(plan), indent=2)


def _facts(plan: Plan) -> dict[str, Any]:
    graph = plan.graph
    return {
        "flow": graph.name,
        "type": graph.flow_type,
        "placement": plan.placement,
        "num_workers": len(plan.workers),
        "nodes": [
            {
                "name": node.name,
                "type": type(graph.nodes[node.index].node).__name__,
                "from": [plan.nodes[parent].name for parent in graph.parents(node.index)],
                "workers": list(node.workers),
                "devices": list(node.devices),
                "num_threads": node.num_threads,
                "max_batch_size": node.batch.max_batch_size if node.batch else None,
            }
            for node in plan.nodes
        ],
        "streams": [
            {
                "name": source.stream,
                "from": plan.nodes[source.node].name,
                "num_tickets": source.tickets,
                "num_items": source.num_items,
            }
            for source in plan.sources
        ],
        "notes": list(plan.notes),
    }
