from __future__ import annotations

import threading
import time
from functools import cache
from pathlib import Path

import pytest

from tests.nvdec_stub import FakeLibrary
from videoflow.errors import GraphError, OutputError
from videoflow.video import capabilities as module
from videoflow.video.capabilities import (
    DecodingKind,
    EncoderName,
    VideoCapabilities,
    check_device,
    choose_decoding,
    choose_encoding,
    open_on,
    probe_video,
)
from videoflow.video.nvdec import Nvdec, NvdecCaps, NvdecProblem, find_extensions

CUDA, CUVID, ENCODE = "libcuda.so.1", "libnvcuvid.so.1", "libnvidia-encode.so.1"
PROBLEM = NvdecProblem("it broke", "mend it")


def capabilities(
    *,
    num_gpus: int = 1,
    missing: tuple[str, ...] = (),
    loading: str = "package",
    has_libav_cuda: bool = True,
    has_nvidia_device: bool = True,
    num_encoders: int = 0,
) -> VideoCapabilities:
    kinds: dict[str, Nvdec | NvdecProblem] = {
        "package": Nvdec(FakeLibrary(num_encoders=num_encoders), "package"),
        "extension": Nvdec(FakeLibrary(), "extension"),
        "none": PROBLEM,
    }
    nvdec = kinds[loading]
    return VideoCapabilities(num_gpus, missing, nvdec, has_libav_cuda, has_nvidia_device)


ALL_GONE = (CUDA, CUVID, ENCODE)


@pytest.mark.parametrize(
    ("found", "device", "kind", "gpu_index", "is_fallback", "reason"),
    [
        pytest.param(capabilities(), "cpu", "cpu", None, False, "asked for", id="cpu-wanted"),
        pytest.param(capabilities(), "auto", "nvdec", 0, False, "PyNvVideoCodec", id="all"),
        pytest.param(
            capabilities(num_gpus=2),
            "cuda:1",
            "nvdec",
            1,
            False,
            "can be used",
            id="second",
        ),
        pytest.param(
            capabilities(loading="extension", missing=(ENCODE,)),
            "cuda",
            "nvdec",
            0,
            False,
            "without the encoder",
            id="no-encoder",
        ),
        pytest.param(
            capabilities(loading="none"), "auto", "libav-cuda", 0, True, "it broke", id="libav"
        ),
        pytest.param(
            capabilities(loading="none", missing=(CUVID, ENCODE)),
            "auto",
            "upload",
            0,
            True,
            "it broke",
            id="no-nvcuvid",
        ),
        pytest.param(
            capabilities(loading="none", has_libav_cuda=False),
            "cuda",
            "upload",
            0,
            True,
            "it broke",
            id="libav-without-cuda",
        ),
        pytest.param(
            capabilities(num_gpus=0, loading="none", missing=ALL_GONE),
            "auto",
            "cpu",
            None,
            True,
            "libcuda.so.1 was not found",
            id="gpu-without-driver",
        ),
        pytest.param(
            capabilities(num_gpus=0, loading="none", missing=ALL_GONE, has_nvidia_device=False),
            "auto",
            "cpu",
            None,
            False,
            "no GPU",
            id="no-gpu-at-all",
        ),
        pytest.param(
            capabilities(num_gpus=0, loading="none"),
            "auto",
            "cpu",
            None,
            True,
            "torch can use no GPU",
            id="torch-without-cuda",
        ),
    ],
)
def test_the_best_way_is_taken(
    found: VideoCapabilities,
    device: str,
    kind: DecodingKind,
    gpu_index: int | None,
    is_fallback: bool,
    reason: str,
) -> None:
    """Each step down the chain is taken for what is missing, and says so with what to do."""
    way = choose_decoding(found, device)

    assert (way.kind, way.gpu_index, way.is_fallback) == (kind, gpu_index, is_fallback)
    assert reason in way.reason
    assert way.help or not way.is_fallback


@pytest.mark.parametrize(
    ("device", "num_gpus"), [("cuda", 0), ("cuda:1", 1), ("cuda:0", 0), ("cuda:7", 2)]
)
def test_a_gpu_that_is_not_there_is_refused(device: str, num_gpus: int) -> None:
    """Who names a GPU gets it or an error, never the CPU."""
    with pytest.raises(GraphError, match=f"got {device!r}, and torch sees {num_gpus} GPUs"):
        choose_decoding(capabilities(num_gpus=num_gpus), device)


@pytest.mark.parametrize("device", ["auto", "cpu"])
def test_nobody_counts_gpus_for_who_names_none(device: str) -> None:
    """``auto`` and ``cpu`` are always there."""
    check_device(device, count=lambda: pytest.fail("counted"))


ENCODES = capabilities(num_encoders=2)


@pytest.mark.parametrize(
    ("found", "encoder", "gpu_index", "kind", "where", "is_fallback", "reason"),
    [
        pytest.param(ENCODES, "auto", 1, "nvenc", 1, False, "has encoders", id="frames-on-gpu"),
        pytest.param(ENCODES, "nvenc", 1, "nvenc", 1, False, "has encoders", id="asked-for"),
        pytest.param(ENCODES, "nvenc", None, "nvenc", 3, False, "encoders", id="host-frames"),
        pytest.param(ENCODES, "auto", None, "cpu", None, False, "host memory", id="host"),
        pytest.param(ENCODES, "cpu", 0, "cpu", None, False, "asked for", id="cpu"),
        pytest.param(capabilities(), "auto", 0, "cpu", None, True, "no encoder", id="h100"),
        pytest.param(
            capabilities(loading="none"), "auto", 0, "cpu", None, True, "it broke", id="broken"
        ),
        pytest.param(
            capabilities(loading="extension", missing=(ENCODE,), num_encoders=2),
            "auto",
            0,
            "cpu",
            None,
            True,
            "libnvidia-encode.so.1 was not found",
            id="no-library",
        ),
    ],
)
def test_pictures_are_encoded_where_they_are_if_that_can_be(
    found: VideoCapabilities,
    encoder: EncoderName,
    gpu_index: int | None,
    kind: str,
    where: int | None,
    is_fallback: bool,
    reason: str,
) -> None:
    """NVENC for pictures on a GPU that has it, else the CPU, with the reason and advice."""
    way = choose_encoding(lambda: found, encoder, gpu_index=gpu_index, default_gpu=3)

    assert (way.kind, way.gpu_index, way.is_fallback) == (kind, where, is_fallback)
    assert reason in way.reason
    assert way.help or not way.is_fallback


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        pytest.param(capabilities(), "this GPU has no encoder", id="h100"),
        pytest.param(capabilities(loading="none"), "it broke", id="broken"),
        pytest.param(capabilities(num_gpus=0, loading="none"), "no GPU", id="no-gpu"),
    ],
)
def test_an_encoder_that_is_asked_for_and_not_there_is_refused(
    found: VideoCapabilities, reason: str
) -> None:
    """Who names NVENC gets it or an error, never the CPU."""
    with pytest.raises(OutputError, match=f"got 'nvenc', and there is none: .*{reason}"):
        choose_encoding(lambda: found, "nvenc")


@pytest.mark.parametrize(("encoder", "gpu_index"), [("auto", None), ("cpu", 0), ("cpu", None)])
def test_nobody_looks_for_encoders_that_are_of_no_use(
    encoder: EncoderName, gpu_index: int | None
) -> None:
    """Frames of the host, and who asks for the CPU, cost no look at the GPU."""
    way = choose_encoding(lambda: pytest.fail("probed"), encoder, gpu_index=gpu_index)

    assert way.kind == "cpu"


@pytest.mark.parametrize(
    ("planned", "option", "device"),
    [("cuda:1", "auto", "cuda:1"), ("cpu", "auto", "auto"), ("cpu", "cpu", "cpu")],
)
def test_a_reader_decodes_where_the_plan_put_it(planned: str, option: str, device: str) -> None:
    """A GPU of the plan is taken; without one, ``auto`` finds out and says why."""
    assert open_on(planned, option=option) == device


def test_this_machine_is_probed_once() -> None:
    """The answer is kept, and a way follows from it wherever the tests run."""
    assert probe_video() is probe_video()
    assert choose_decoding(probe_video(), "auto").reason


def test_extensions_of_this_python_are_found_newest_first(tmp_path: Path) -> None:
    """Only modules that this Python can load count, that for newer drivers first."""
    import importlib.machinery

    ending = importlib.machinery.EXTENSION_SUFFIXES[0]
    for name in ("PyNvVideoCodec_121", "PyNvVideoCodec_130", "VersionCheck"):
        (tmp_path / f"{name}{ending}").touch()
    (tmp_path / "PyNvVideoCodec_130.cpython-27-x86_64-linux-gnu.so").touch()

    found = find_extensions(tmp_path)

    assert [path.name for path in found] == [
        f"PyNvVideoCodec_130{ending}",
        f"PyNvVideoCodec_121{ending}",
    ]
    assert find_extensions(tmp_path / "nowhere") == []


CAPS = NvdecCaps(True, 7, (48, 48), (4096, 4096), 36864)


@pytest.mark.parametrize(
    ("caps", "size_hw", "reason"),
    [
        pytest.param(CAPS, (1080, 1920), None, id="full-hd"),
        pytest.param(CAPS, (48, 48), None, id="least"),
        pytest.param(CAPS, (32, 64), "got 64 x 32", id="too-small"),
        pytest.param(CAPS, (2160, 7680), "got 7680 x 2160", id="too-wide"),
        pytest.param(CAPS, (4096, 4096), "more pixels", id="too-many-blocks"),
        pytest.param(NvdecCaps(False, 0, (0, 0), (0, 0), 0), (64, 64), "not decode", id="none"),
    ],
)
def test_what_a_gpu_cannot_decode_has_a_reason(
    caps: NvdecCaps, size_hw: tuple[int, int], reason: str | None
) -> None:
    """Codec and size are compared with what the driver says."""
    answer = caps.why_not("h264 420 of 8 bits", size_hw)

    assert answer is None if reason is None else reason in (answer or "")


def test_threads_that_open_at_once_probe_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sources of a worker begin together; an extension module loads once."""
    num_loaded = 0
    at_once = threading.Barrier(4)
    found = []

    def load() -> Nvdec:
        nonlocal num_loaded
        num_loaded += 1
        time.sleep(0.05)
        return Nvdec(FakeLibrary(), "extension")

    def probe() -> None:
        at_once.wait()
        found.append(probe_video())

    monkeypatch.setattr(module, "missing_libraries", lambda: (ENCODE,))
    monkeypatch.setattr(module, "count_gpus", lambda: 1)
    monkeypatch.setattr(module, "load_nvdec", load)
    monkeypatch.setattr(module, "_probe_video", cache(module._probe_video.__wrapped__))
    threads = [threading.Thread(target=probe) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert num_loaded == 1
    assert len({id(one) for one in found}) == 1
