"""Add up the first numbers, one after the other: three nodes, three workers, one flow."""

# %% The nodes: what each one does, and where it gets its input from
from videoflow.consumers import CommandlineConsumer
from videoflow.core import Flow
from videoflow.processors.aggregators import SumAggregator
from videoflow.producers import IntProducer

producer = IntProducer(0, 40, 0.01)
sum_agg = SumAggregator()(producer)
printer = CommandlineConsumer()(sum_agg)

# %% The flow: run() starts it, join() waits for its end
flow = Flow([producer], [printer])
flow.run()
flow.join()

# Prints 0, 1, 3, 6, 10, 15, ... 820, one number a line.
