"""Add up the first numbers, one after the other: three nodes, one flow."""

# ruff: noqa: I001 - the imports stand in the order in which an item travels
# %% The nodes: what each one does, and where it gets its input from
from videoflow.core import Flow
from videoflow.producers import IntProducer
from videoflow.processors.aggregators import SumAggregator
from videoflow.consumers import CommandlineConsumer

producer = IntProducer(0, 40, 0.01)
sum_agg = SumAggregator()(producer)
printer = CommandlineConsumer()(sum_agg)

# %% The flow: run() starts it, join() waits for its end
flow = Flow([producer], [printer])
flow.run()
flow.join()

# Prints, one number a line: 0, 1, 3, 6, 10, 15, 21, ... 741, 780, 820
