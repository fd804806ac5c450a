"""The kernel writes what plain torch writes; run by Triton's interpreter on the CPU."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from videoflow.data import Frame, Stamp
from videoflow.data.color_spec import ColorSpec
from videoflow.nets.card import InputContract
from videoflow.nets.fill_choice import choose_fill
from videoflow.nets.preprocess import Fill, fill_plain, make_inputs

MODULE = "videoflow.nets.nv12_kernel"
BGR = InputContract(channels="bgr", size=64, stride=32, pad_value=114.0)
SCALED = InputContract(
    channels="rgb",
    size=(48, 64),
    fit="stretch",
    mean=(0.485, 0.456, 0.406),
    std=(0.229, 0.224, 0.225),
    pad_value=0.0,
)
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def fused() -> Iterator[Fill]:
    """The kernel as the interpreter runs it; the module is not kept for others."""
    pytest.importorskip("triton", reason="comes with torch for CUDA")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRITON_INTERPRET", "1")
        sys.modules.pop(MODULE, None)
        yield importlib.import_module(MODULE).fill_fused
        sys.modules.pop(MODULE, None)


def _frames(num: int, size_hw: tuple[int, int], color: ColorSpec) -> list[Frame]:
    random = torch.Generator().manual_seed(num)
    height, width = size_hw
    return [
        Frame(
            torch.randint(256, (height * 3 // 2, width), dtype=torch.uint8, generator=random),
            Stamp("camera", index, 0.0, size_hw),
            color=color,
        )
        for index in range(num)
    ]


def _inputs(frames: list[Frame], fill: Fill, contract: InputContract, **options: Any) -> Any:
    (batch,) = make_inputs(
        frames,
        contract=contract,
        input_size=contract.size,
        device=CPU,
        fill=fill,
        **options,
    )
    return batch.images


@pytest.mark.parametrize("contract", [BGR, SCALED], ids=["levels", "scaled"])
@pytest.mark.parametrize(
    "size_hw", [(54, 96), (64, 64), (90, 48), (20, 30), (2, 2)], ids=lambda size: str(size)
)
@pytest.mark.parametrize("is_full_range", [False, True], ids=["limited", "full"])
def test_inputs_are_those_of_plain_torch(
    fused: Fill, contract: InputContract, size_hw: tuple[int, int], is_full_range: bool
) -> None:
    """Shrunk, stretched, padded and as it is: within a hundredth of a level."""
    frames = _frames(1, size_hw, ColorSpec("bt709", is_full_range))
    want = _inputs(frames, fill_plain, contract)

    got = _inputs(frames, fused, contract)

    torch.testing.assert_close(got, want, atol=0.01, rtol=1e-4)
    assert got.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("matrix", ["bt601", "bt709", "bt2020"])
def test_each_matrix_is_its_own(fused: Fill, matrix: Any) -> None:
    """Frames are converted with the matrix of their stream."""
    frames = _frames(1, (40, 64), ColorSpec(matrix, is_full_range=False))

    got = _inputs(frames, fused, BGR)

    torch.testing.assert_close(got, _inputs(frames, fill_plain, BGR), atol=0.01, rtol=1e-4)


def test_a_batch_is_one_step(fused: Fill) -> None:
    """Frames are read where they lie, each by its address."""
    frames = _frames(3, (36, 64), ColorSpec("bt601", is_full_range=False))
    images = torch.empty(3, 3, 64, 64).to(memory_format=torch.channels_last)
    want = torch.cat([_inputs([one], fill_plain, BGR) for one in frames])
    fit = _fit((36, 64))

    fused(images[:, :, : want.shape[2]], frames, fit, BGR)

    torch.testing.assert_close(images[:, :, : want.shape[2]], want, atol=0.01, rtol=1e-4)


def _fit(size_hw: tuple[int, int]) -> Any:
    from videoflow.nets.letterbox import Letterbox

    return Letterbox.fit(size_hw, input_size=64, stride=32)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_numbers_are_rounded_to_the_network_s_format(fused: Fill, dtype: torch.dtype) -> None:
    """What is written in half precision is the rounded number."""
    frames = _frames(1, (54, 96), ColorSpec("bt709", is_full_range=False))
    want = _inputs(frames, fill_plain, BGR, dtype=dtype)

    got = _inputs(frames, fused, BGR, dtype=dtype)

    assert got.dtype == dtype
    torch.testing.assert_close(got, want, atol=0.2, rtol=0.01)


def test_what_the_kernel_is_not_for_goes_the_plain_way(fused: Fill) -> None:
    """RGB frames become the same inputs."""
    pixels = torch.randint(256, (3, 30, 40), dtype=torch.uint8)
    frames = [Frame(pixels, Stamp("camera", 0, 0.0, (30, 40)), "rgb")]

    assert torch.equal(_inputs(frames, fused, BGR), _inputs(frames, fill_plain, BGR))


def _choose(load_fused: Any, times: list[float]) -> tuple[Fill, list[str]]:
    notes: list[str] = []

    def seconds_of(call: Any) -> float:
        return times[0] if len(taken) < 5 else times[1]

    taken: list[None] = []

    def clock(call: Any) -> float:
        seconds = seconds_of(call)
        taken.append(None)
        return seconds

    fill = choose_fill(
        BGR,
        input_size=64,
        device=CPU,
        dtype=torch.float32,
        report=notes.append,
        seconds_of=clock,
        load_fused=load_fused,
    )
    return fill, notes


def _same(*arguments: Any) -> None:
    fill_plain(*arguments)


def _darker(images: Any, *others: Any) -> None:
    fill_plain(images, *others)
    images -= 2


def _broken() -> Fill:
    raise RuntimeError("no compiler")


@pytest.mark.parametrize(
    ("load_fused", "times", "want", "note"),
    [
        pytest.param(lambda: _same, [2e-3, 1e-3], _same, "by one kernel: 8 take", id="faster"),
        pytest.param(lambda: _same, [1e-3, 2e-3], fill_plain, "by torch: 8 take", id="slower"),
        pytest.param(lambda: _darker, [2e-3, 1e-3], fill_plain, "2.00 off", id="wrong"),
        pytest.param(_broken, [2e-3, 1e-3], fill_plain, "no compiler", id="broken"),
    ],
)
def test_the_kernel_is_taken_where_it_is_right_and_faster(
    load_fused: Any, times: list[float], want: Fill, note: str
) -> None:
    """A kernel that fails, differs or is slower is not used, and a remark says why."""
    fill, notes = _choose(load_fused, times)

    assert fill is want
    (said,) = notes
    assert note in said


def test_on_a_cpu_there_is_no_choice() -> None:
    """Without a GPU frames are converted by torch, and nobody hears of it."""
    notes: list[str] = []

    fill = choose_fill(BGR, input_size=64, device=CPU, dtype=torch.float32, report=notes.append)

    assert fill is fill_plain
    assert notes == []


COMPILE = """
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
import triton
from videoflow.nets.nv12_kernel import _convert

names = _convert.arg_names
constants = {"FIRST": 2, "BLOCK": 256, "stride_c": 1}  # Triton makes a constant of each 1
kinds = {"addresses": "*i64", "out": "*fp16"} | dict.fromkeys(constants, "constexpr")
whole = ("stride_n", "stride_h", "stride_w", "out_", "height", "width", "content_")
signature = {
    name: kinds.get(name, "i32" if name.startswith(whole) else "fp32") for name in names
}
indexed = {(names.index(name),): value for name, value in constants.items()}
source = ASTSource(_convert, signature, indexed)
assert triton.compile(source, target=GPUTarget("cuda", 90, 32)).asm["cubin"]
"""


def test_the_kernel_compiles_for_a_gpu(tmp_path: Path) -> None:
    """Triton's compiler, which takes less than its interpreter, makes code for an H100."""
    pytest.importorskip("triton", reason="comes with torch for CUDA")
    env = {**os.environ, "TRITON_CACHE_DIR": str(tmp_path), "TRITON_INTERPRET": "0"}

    answer = subprocess.run(
        [sys.executable, "-c", COMPILE], env=env, capture_output=True, text=True, check=False
    )

    assert answer.returncode == 0, answer.stderr
