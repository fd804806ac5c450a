"""A board and a ledger for tests: source -> step -> one, two; four tickets."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from videoflow.core import ConsumerNode, Flow, FunctionProcessor, IterableProducer
from videoflow.runtime.board import Board
from videoflow.runtime.ledger import Ledger
from videoflow.runtime.marks import Kind, mark
from videoflow.runtime.plan import Plan
from videoflow.runtime.planner import make_plan

SOURCE, STEP, ONE, TWO = range(4)
SKIPPED = mark(Kind.SKIPPED, STEP)
FAILED = mark(Kind.FAILED, TWO)


class Sink(ConsumerNode):
    def consume(self, *inputs: Any) -> None:
        pass


def make_plan_of_two() -> Plan:
    """Return source -> step -> one, two; four tickets."""
    source = IterableProducer([], name="source")
    step = FunctionProcessor(lambda x: x, name="step")(source)
    sinks = [Sink(name=name)(step) for name in ("one", "two")]
    return make_plan(Flow([source], sinks).graph(), tickets=4, placement="process")


class Books:
    """A board and its ledger, with two exits."""

    def __init__(self) -> None:
        self.plan = make_plan_of_two()
        self.board = Board(self.plan)
        self.ledger = Ledger(self.plan, self.board)

    def finish(self, exit_index: int, seq: int, value: int) -> None:
        """Do what a consumer does when it is done with a frame."""
        self.board.marks[exit_index, SOURCE][seq % 4] = value
        self.board.done[exit_index][0] = seq + 1

    def column(self, at: int) -> int:
        return int(self.board.record(SOURCE)[at])


@pytest.fixture
def books() -> Iterator[Books]:
    one = Books()
    yield one
    os.close(one.board.fd)
    one.__dict__.clear()
