"""How a flow is written: nodes, functions as nodes, merges, and the flow itself."""

from videoflow.core.engine import Engine, Run, RunOptions
from videoflow.core.flow import Flow
from videoflow.core.function import FunctionConsumer, FunctionProcessor, IterableProducer
from videoflow.core.graph import FlowType, Graph
from videoflow.core.node import (
    SKIP,
    BatchProcessorNode,
    ConsumerNode,
    Ending,
    Node,
    NodeOptions,
    OneTaskProcessorNode,
    PerStreamProcessorNode,
    ProcessorNode,
    ProducerNode,
)
from videoflow.core.report import AgeReport, NodeReport, Progress, Report, StreamReport
from videoflow.core.wiring import Streams, TaskModuleNode

__all__ = [
    "SKIP",
    "AgeReport",
    "BatchProcessorNode",
    "ConsumerNode",
    "Ending",
    "Engine",
    "Flow",
    "FlowType",
    "FunctionConsumer",
    "FunctionProcessor",
    "Graph",
    "IterableProducer",
    "Node",
    "NodeOptions",
    "NodeReport",
    "OneTaskProcessorNode",
    "PerStreamProcessorNode",
    "ProcessorNode",
    "ProducerNode",
    "Progress",
    "Report",
    "Run",
    "RunOptions",
    "StreamReport",
    "Streams",
    "TaskModuleNode",
]
