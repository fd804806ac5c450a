"""The simulated GPU is as unforgiving as a real one, and so worth testing with."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.simulated_gpu.conftest import Run

LATE = """
import torch
one, other = torch.cuda.Stream(), torch.cuda.Stream()
memory = torch.zeros(1 << 20, dtype=torch.uint8, device="cuda")
ones = torch.ones(1 << 20, dtype=torch.uint8).pin_memory()
torch.cuda.synchronize()
seen = []
for _ in range(20):
    memory.zero_()
    torch.cuda.synchronize()
    with torch.cuda.stream(one):
        memory.copy_(ones, non_blocking=True)
    if {is_ordered}:
        other.wait_stream(one)
    with torch.cuda.stream(other):
        seen.append(int(memory[-1]))
print(seen)
"""


@pytest.mark.parametrize("is_ordered", [True, False], ids=["ordered", "not-ordered"])
def test_a_copy_is_seen_by_who_waits_for_it(is_ordered: bool, run_python: Run) -> None:
    """Streams are late: without a wait, another stream reads what was there before."""
    done = run_python("-c", LATE.format(is_ordered=is_ordered), SIMULATED_GPU_DELAY_US="20000")

    assert done.returncode == 0, done.stdout
    numbers = eval(done.stdout.splitlines()[-1])
    assert (sum(numbers) == len(numbers)) == is_ordered, numbers


def test_memory_that_was_given_back_is_not_there(run_python: Run) -> None:
    """Whoever reads freed memory dies of it, instead of reading what lies there by chance."""
    done = run_python(
        "-c",
        """
import ctypes, torch
memory = torch.zeros(64 << 20, dtype=torch.uint8, device="cuda")
address = memory.data_ptr()
print(ctypes.string_at(address, 2), flush=True)
del memory
torch.cuda.empty_cache()
print(ctypes.string_at(address, 2))
""",
    )

    assert done.stdout.splitlines()[0] == r"b'\x00\x00'"
    assert done.returncode == -signal.SIGSEGV


def test_memory_is_counted_for_all_processes(run_python: Run) -> None:
    """What another process has is not free, and what does not fit is refused."""
    done = run_python(
        "-c",
        """
import subprocess, sys, torch
before = torch.cuda.mem_get_info()[0]
code = "import torch; x = torch.empty(1 << 28, device='cuda'); print(1); input()"
other = subprocess.Popen([sys.executable, "-c", code], stdin=-1, stdout=-1)
other.stdout.readline()
print((before - torch.cuda.mem_get_info()[0]) >> 20)
try:
    torch.empty(1 << 34, device="cuda", dtype=torch.uint8)
except torch.cuda.OutOfMemoryError:
    print("out of memory")
other.kill()
other.communicate()
print((before - torch.cuda.mem_get_info()[0]) >> 20)
""",
    )

    assert done.stdout.splitlines() == ["1324", "out of memory", "0"]  # with a context's 300


SURFACES = """
import sys, torch
from pathlib import Path
from videoflow.video.av.coded_stream import *
from videoflow.video.nvdec import load_nvdec
module = load_nvdec().module
stream = torch.cuda.Stream()
demuxer = module.CreateDemuxer(sys.argv[1])
decoder = module.CreateDecoder(
    gpuid=0, codec=demuxer.GetNvCodecId(), cudastream=stream.cuda_stream, usedevicememory=True
)
kept = []
with torch.cuda.stream(stream):
    for packet in demuxer:
        for surface in decoder.Decode(packet):
            view = torch.from_dlpack(surface)
            kept.append((view, view.clone()))
        if len(kept) > 10:
            break
    print(sum(not torch.equal(view, copy) for view, copy in kept), len(kept))
"""


def test_a_surface_is_overwritten_by_the_next_call(run_python: Run, test_data: Path) -> None:
    """What PyNvVideoCodec itself does with surfaces that somebody keeps: they change."""
    done = run_python("-c", SURFACES, str(test_data / "decode" / "testsrc2.mp4"))

    assert done.returncode == 0, done.stdout
    changed, num = map(int, done.stdout.split()[-2:])
    assert changed >= num - 2 > 0
