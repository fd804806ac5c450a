"""The simulated GPU records and replays as a real one, and refuses what a real one refuses."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any, Final

import pytest

from tests.simulated_gpu.conftest import run_with

_UNSUPPORTED, _INVALIDATED, _MERGE, _UNMATCHED, _UNJOINED = range(900, 905)
_ISOLATION, _IMPLICIT, _CAPTURED_EVENT, _WRONG_THREAD = range(905, 909)
_ILLEGAL_STATE: Final = 401

PROHIBITED = {
    "synchronize": [_UNSUPPORTED, _INVALIDATED],
    "query": [_UNSUPPORTED, _INVALIDATED],
    "synchronize the device": [_UNSUPPORTED, _INVALIDATED],
    "synchronize the device elsewhere": [_UNSUPPORTED, _INVALIDATED],
    "query a captured event": [_CAPTURED_EVENT, _INVALIDATED],
    "query a captured event afterwards": [0, _CAPTURED_EVENT, _CAPTURED_EVENT],
    "work on the default stream": [0, 0],
    "work on the default stream, blocking": [_IMPLICIT, _INVALIDATED],
    "synchronous copy": [0, 0],
    "synchronous copy, blocking": [_IMPLICIT, _INVALIDATED],
    "wait for an event from before": [_ISOLATION, _INVALIDATED],
    "merge": [_MERGE, _INVALIDATED, _INVALIDATED],
    "capture the default stream": [_UNSUPPORTED],
}
MODES = {
    "query another event": [_UNSUPPORTED, _INVALIDATED],
    "query another event elsewhere": [_UNSUPPORTED, _INVALIDATED],
    "query another event elsewhere, local": [0, 0],
    "allocate": [_UNSUPPORTED, _INVALIDATED],
    "allocate, local": [_UNSUPPORTED, _INVALIDATED],
    "allocate, relaxed": [0, 0],
    "allocate as torch does": [0, 0],
    "allocate elsewhere": [_UNSUPPORTED, _INVALIDATED],
    "allocate elsewhere, local": [0, 0],
}
ENDS = {
    "work": [0, 0],
    "fork and join": [0, 0, 0, 0, _ILLEGAL_STATE],
    "fork only": [0, 0, _UNJOINED, _ILLEGAL_STATE],
    "after a refusal": [_UNSUPPORTED, _INVALIDATED, _INVALIDATED, 0],
    "wrong ends": [_WRONG_THREAD, _UNMATCHED, _INVALIDATED],
}


@pytest.fixture(scope="module")
def answers(driver: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[int]]:
    """Return what ``capture_cases.py`` has found out, by the names of its cases."""
    cases = Path(__file__).with_name("capture_cases.py")
    done = run_with(driver, tmp_path_factory.mktemp("cases"), str(cases))
    assert done.returncode == 0, done.stdout
    found: dict[str, list[int]] = json.loads(done.stdout)
    assert found.keys() == {*PROHIBITED, *MODES, *ENDS}
    return found


@pytest.mark.parametrize("case", PROHIBITED)
def test_what_is_prohibited(case: str, answers: dict[str, list[int]]) -> None:
    """A captured stream is not waited for, and nothing crosses the border of a capture.

    Source: CUDA programming guide, "Cross-stream dependencies and events" and "Prohibited and
    unhandled operations". A device is "a broader handle": whoever waits for it spoils every
    capture on it, in whatever mode and thread (measured on hardware: ROCm/rocm-systems#4508).
    """
    assert answers[case] == PROHIBITED[case]


@pytest.mark.parametrize("case", MODES)
def test_modes_of_capture(case: str, answers: dict[str, list[int]]) -> None:
    """What would not be replayed is refused to the threads that the mode names.

    Source: reference of cudaThreadExchangeStreamCaptureMode. That queries of events count as
    potentially unsafe is what PyTorch met with (pytorch/pytorch#104555).
    """
    assert answers[case] == MODES[case]


@pytest.mark.parametrize("case", ENDS)
def test_ends_of_a_capture(case: str, answers: dict[str, list[int]]) -> None:
    """A capture ends once, where it began, with all its streams joined, or gives no graph.

    Source: reference of cudaStreamEndCapture; CUDA programming guide, "Invalidation".
    """
    assert answers[case] == ENDS[case]


@pytest.fixture(scope="module")
def replays(driver: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return what ``replay_cases.py`` has found out, and how it ended."""
    cases = Path(__file__).with_name("replay_cases.py")
    folder = tmp_path_factory.mktemp("replays")
    done = run_with(driver, folder, str(cases), SIMULATED_GPU_DELAY_US="20000")
    assert done.stdout.count("\n") == 2, done.stdout
    first, last = done.stdout.splitlines()
    found: dict[str, Any] = json.loads(first)
    return {**found, "last word": last, "status": done.returncode}


def test_a_replay_computes_anew(replays: dict[str, Any]) -> None:
    """Nothing is computed while it is recorded, and at each replay what lies there then."""
    assert replays["nothing is done before"]
    assert replays["each replay computes"]


def test_a_replay_is_late(replays: dict[str, Any]) -> None:
    """A replay is work of a stream: who does not wait for that sees what was there before."""
    assert set(replays["waits"]) == {1}
    assert set(replays["does not wait"]) != {1}


def test_branches_are_ordered_by_events_alone(replays: dict[str, Any]) -> None:
    """What no event orders in a graph is replayed in one order or another."""
    assert replays["ordered"] == [2]
    assert replays["not ordered"] == [1, 2]


@pytest.mark.parametrize("name", ["item", "cpu", "nonzero", "mask", "host index", "upload"])
def test_operations_that_wait_are_refused(name: str, replays: dict[str, Any]) -> None:
    """What reads a result back to go on cannot be replayed, whoever calls it.

    Source: PyTorch, "CUDA semantics", constraints of CUDA graphs.
    """
    assert "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED" in replays["refusals"][name]


def test_memory_is_the_graphs_until_it_goes(replays: dict[str, Any]) -> None:
    """A graph's pool survives that torch gives its unused memory back, and not the graph."""
    assert replays["last word"] == "3.0"
    assert replays["status"] == -signal.SIGSEGV
