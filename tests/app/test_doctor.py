from __future__ import annotations

import json
import sys
from dataclasses import replace
from typing import Any

import pytest

from tests.nvdec_stub import FakeLibrary
from videoflow.app.cli import main
from videoflow.app.doctor import Diagnosis, as_json, describe, diagnose, run_probe
from videoflow.app.gpu_probe import MARK, probe_gpus
from videoflow.video.capabilities import (
    VideoCapabilities,
    choose_decoding,
    choose_encoding,
    probe_video,
)
from videoflow.video.nvdec import Nvdec, NvdecProblem

ALL_THERE = {"libcuda.so.1": True, "libnvcuvid.so.1": True, "libnvidia-encode.so.1": True}
DECODING_KEYS = ("kind", "reason", "help", "is_fallback")
PROBLEM = NvdecProblem("libnvcuvid.so.1 was not found", "start it with video")


def probe_of(nvdec: Nvdec | NvdecProblem, *, missing: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return what the probe says of a machine with one GPU, without asking torch for it."""
    found = VideoCapabilities(0, missing, nvdec, True, True)
    probe = probe_gpus(found)
    way = choose_decoding(replace(found, num_gpus=1), "auto")
    encoding = choose_encoding(lambda: replace(found, num_gpus=1), "auto", gpu_index=0)
    return probe | {
        "gpus": [{"name": "NVIDIA H100", "memory_bytes": 80 * 2**30}],
        "decoding": {
            key: getattr(way, key) for key in ("kind", "reason", "help", "is_fallback")
        },
        "encoding": {"kind": encoding.kind, "reason": encoding.reason},
    }


def diagnosis_of(probe: dict[str, Any] | None, **changes: Any) -> Diagnosis:
    sound = Diagnosis(
        versions={"torch": "2.15.0", "PyNvVideoCodec": None},
        libraries=ALL_THERE,
        driver="580.65.06",
        has_nvidia_device=True,
        mps=True,
        probe=probe,
    )
    return replace(sound, **changes)


def test_a_sound_gpu_needs_no_advice() -> None:
    """Engines, codecs with their sizes, and a GPU without an encoder, in words."""
    library = FakeLibrary(unsupported=("AV1",))

    diagnosis = diagnosis_of(probe_of(library.nvdec))

    text = "\n".join(describe(diagnosis))
    assert diagnosis.is_well
    assert diagnosis.advice == []
    assert "GPU 0: NVIDIA H100, 80 GiB" in text
    assert "NVDEC of GPU 0: 7 engines; h264 8 bit up to 4096x4096" in text
    assert "av1" not in text
    assert "NVENC of GPU 0: 0 engines" in text
    assert "decoded on the GPU, by NVDEC" in text
    assert "encoded on the CPU, by libx264: this GPU has no encoder" in text
    assert "PyNvVideoCodec: missing" in text


def test_a_gpu_with_an_encoder_encodes() -> None:
    """Where pictures of this GPU are encoded is told with the number of engines."""
    diagnosis = diagnosis_of(probe_of(FakeLibrary(num_encoders=2).nvdec))

    text = "\n".join(describe(diagnosis))
    assert "NVENC of GPU 0: 2 engines" in text
    assert "encoded on the GPU, by NVENC" in text


def test_a_gpu_that_does_not_decode_is_not_well() -> None:
    """The advice says what to do, once, and what decodes instead."""
    probe = probe_of(PROBLEM, missing=("libnvcuvid.so.1",))
    libraries = ALL_THERE | {"libnvcuvid.so.1": False, "libnvidia-encode.so.1": False}

    diagnosis = diagnosis_of(probe, libraries=libraries, mps=False)

    text = "\n".join(describe(diagnosis))
    assert not diagnosis.is_well
    assert "decoded on the CPU, with one upload of each picture" in text
    assert diagnosis.advice[0] == "to decode on the GPU: start it with video"
    assert any("libnvidia-encode.so.1 was not found" in line for line in diagnosis.advice)
    assert "not needed" in diagnosis.advice[-1]
    assert "nvidia-cuda-mps-control -d" in diagnosis.advice[-1]


def test_a_machine_without_a_gpu_is_well() -> None:
    """Nothing is advised where nothing is missing."""
    found = VideoCapabilities(0, tuple(ALL_THERE), PROBLEM, True, False)

    diagnosis = diagnosis_of(
        probe_gpus(found),
        libraries=dict.fromkeys(ALL_THERE, False),
        driver=None,
        has_nvidia_device=False,
        mps=False,
    )

    assert diagnosis.is_well
    assert diagnosis.advice == []
    assert "that is fine" in describe(diagnosis)[-1]


@pytest.mark.parametrize(
    ("script", "how"),
    [
        pytest.param("import os; os.abort()", "it was killed by SIGABRT", id="crash"),
        pytest.param(
            "import sys; print('FATAL: driver'); sys.exit(57)",
            "it exited with 57 (FATAL: driver)",
            id="exit",
        ),
        pytest.param("print('noise')", "it exited with 0 (noise)", id="says-nothing"),
    ],
)
def test_a_library_that_ends_its_process_does_not_end_the_doctor(script: str, how: str) -> None:
    """The look at the GPUs may crash; that is a finding."""
    diagnosis = diagnose([sys.executable, "-c", script])

    assert diagnosis.probe is None
    assert diagnosis.probe_error == how
    assert not diagnosis.is_well
    assert f"  the look at the GPUs broke: {how}" in describe(diagnosis)
    assert json.loads(as_json(diagnosis))["is_well"] is False


def test_what_libraries_print_is_not_the_answer() -> None:
    """Only the marked line counts."""
    script = f"print('FFmpeg says hello'); print({MARK!r} + '{{\"a\": 1}}')"

    assert run_probe([sys.executable, "-c", script]) == ({"a": 1}, "")


def test_the_command_runs_on_every_machine(capsys: pytest.CaptureFixture[str]) -> None:
    """The exit code is 0 unless a GPU is there that does not decode."""
    is_lost = choose_decoding(probe_video(), "auto").is_fallback

    code = main(["doctor", "--json"])

    found = json.loads(capsys.readouterr().out)
    assert code == int(is_lost)
    assert found["versions"]["torch"]
    assert set(found["libraries"]) == set(ALL_THERE)
    assert found["probe"]["decoding"]["kind"] in ("nvdec", "libav-cuda", "upload", "cpu")
