"""Plain functions as nodes: a thermometer, a rule, and an alarm."""

# %% A generator is a source, a function of one item is a processor or a consumer
from collections.abc import Iterator

from videoflow.core import SKIP, Flow, FunctionConsumer, FunctionProcessor, IterableProducer


def thermometer() -> Iterator[float]:
    yield from (19.5, 21.0, 35.5, 38.0, 22.0)


def only_hot(celsius: float) -> object:
    return celsius if celsius > 30 else SKIP  # nothing goes on for this one


def alarm(celsius: float) -> None:
    print(f"too hot: {celsius} degrees")


# %% They are connected like any other node
temperatures = IterableProducer(thermometer)
hot = FunctionProcessor(only_hot)(temperatures)
bell = FunctionConsumer(alarm)(hot)

# %% The report tells what became of every item: two delivered, three skipped
report = Flow([temperatures], [bell], flow_type="batch").run().join()
print(report.streams[0].num_delivered, "of", report.streams[0].num_read)

# Prints:
# too hot: 35.5 degrees
# too hot: 38.0 degrees
# 2 of 5
