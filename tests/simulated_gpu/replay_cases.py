"""What a graph does when it is replayed; prints one JSON object, and dies of freed memory.

A Python with a simulated GPU runs this file.
"""

from __future__ import annotations

import ctypes
import json
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

_CUDA = torch.device("cuda:0")


def captured(
    run: Callable[[], Tensor], *, stream: torch.cuda.Stream | None = None
) -> tuple[torch.cuda.CUDAGraph, Tensor]:
    """Return a graph, and the memory that it writes its result to."""
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, stream=stream):
        result = run()
    return graph, result


def pictures(seed: int) -> Tensor:
    """Return some numbers."""
    return torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(seed))


def computes_anew() -> dict[str, bool]:
    """Return whether replays compute, and copy, what lies in the memory then."""
    layers = (nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 5))
    network = nn.Sequential(*layers).to(_CUDA).requires_grad_(False)
    images, copy = torch.zeros(2, 3, 8, 8, device=_CUDA), torch.zeros(2, 3, 8, 8, device=_CUDA)
    result = torch.full((2, 5), 7.0, device=_CUDA)

    def run() -> Tensor:
        copy.copy_(images)
        result.copy_(network(images))
        return result.zero_().add_(network(copy)).mul_(2)

    network(images)
    graph, found = captured(run)
    is_untouched = bool((result == 7).all())
    is_anew = []
    for seed in range(3):
        images.copy_(pictures(seed))
        graph.replay()
        is_anew.append(torch.equal(found, 2 * network(images)) and torch.equal(copy, images))
    return {"nothing is done before": is_untouched, "each replay computes": all(is_anew)}


def is_late() -> dict[str, list[int]]:
    """Return how many of 20 replays another stream has seen, with and without waiting."""
    one, other = (torch.cuda.Stream() for _ in range(2))  # type: ignore[no-untyped-call] # torch's
    number = torch.zeros(1, device=_CUDA)
    graph, _ = captured(lambda: number.add_(1))
    seen: dict[str, list[int]] = {"waits": [], "does not wait": []}
    for name, numbers in seen.items():
        for _ in range(20):
            number.zero_()
            torch.cuda.synchronize()
            with torch.cuda.stream(one):
                graph.replay()
            if name == "waits":
                other.wait_stream(one)
            with torch.cuda.stream(other):
                numbers.append(int(number))
    return seen


def branches(*, is_ordered: bool) -> list[int]:
    """Return what two branches of a graph leave that write to the same place."""
    place = torch.zeros(1, device=_CUDA)
    beside = torch.cuda.Stream()  # type: ignore[no-untyped-call] # torch's

    def run() -> Tensor:
        first = torch.cuda.current_stream()
        beside.wait_stream(first)
        with torch.cuda.stream(beside):
            place.fill_(1)
        if is_ordered:
            first.wait_stream(beside)
        place.fill_(2)
        first.wait_stream(beside)
        return place

    graph, _ = captured(run)
    left = []
    for _ in range(40):
        graph.replay()
        left.append(int(place))
    return sorted(set(left))


def refusals() -> dict[str, str]:
    """Return what torch says of operations that wait for the GPU, in a capture."""
    numbers = torch.ones(4, device=_CUDA)
    on_host = torch.tensor([1])
    waiting: dict[str, Callable[[], Any]] = {
        "item": numbers[0].item,
        "cpu": numbers.cpu,
        "nonzero": numbers.nonzero,
        "mask": lambda: numbers[numbers > 0],
        "host index": lambda: numbers[on_host],
        "upload": lambda: torch.ones(4).to(_CUDA),
    }
    said = {}
    for name, call in waiting.items():
        try:
            captured(call)
        except RuntimeError as error:
            said[name] = str(error.__context__).splitlines()[0]
    return said


def die_of_freed_memory() -> None:
    """Read what a graph has written, after its memory is gone."""
    given = torch.ones(1 << 20, device=_CUDA)
    graph, result = captured(lambda: given * 3)
    address = result.data_ptr()
    del result
    torch.cuda.empty_cache()
    graph.replay()
    torch.cuda.synchronize()
    print(ctypes.c_float.from_address(address).value, flush=True)
    del graph
    torch.cuda.empty_cache()
    print(ctypes.c_float.from_address(address).value)


if __name__ == "__main__":
    with torch.inference_mode():
        found = {
            **computes_anew(),
            **is_late(),
            "ordered": branches(is_ordered=True),
            "not ordered": branches(is_ordered=False),
            "refusals": refusals(),
        }
        print(json.dumps(found), flush=True)
        die_of_freed_memory()
