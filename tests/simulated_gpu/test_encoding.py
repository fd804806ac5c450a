"""PyNvVideoCodec's own encoder on a simulated GPU: what it does, and what films need of it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.simulated_gpu.conftest import Run

ORDER = """
import sys
from contextlib import contextmanager
from pathlib import Path
import torch
from tests.clips import index_of, make_frame, read_frames
from videoflow.data import Frame
from videoflow.video.cuda_stream import TorchStream
from videoflow.video.encoding import EncoderOpener
from videoflow.video.writer import VideoWriter

class Stream(TorchStream):
    waits = ("before", "after")

    @contextmanager
    def turn(self):
        current = torch.cuda.current_stream()
        if "before" in self.waits:
            self._stream.wait_stream(current)
        with torch.cuda.stream(self._stream):
            yield
        if "after" in self.waits:
            current.wait_stream(self._stream)

def is_right(path, *waits):
    Stream.waits = waits
    frames = [make_frame(index, size_hw=(144, 256)) for index in range(30)]
    pinned = [frame.buffer.pin_memory() for frame in frames]
    slot = torch.full_like(frames[0].buffer, 255, device="cuda")
    opener = EncoderOpener("nvenc", report=print, make_stream=Stream)
    writer = VideoWriter(path, opener=opener)
    with torch.cuda.stream(torch.cuda.Stream()):
        for frame, memory in zip(frames, pinned):
            slot.copy_(memory, non_blocking=True)
            writer.write(Frame(slot, frame.stamp))
            slot.fill_(255)
    writer.publish()
    return [index_of(frame) for frame in read_frames(path)] == [i % 10 for i in range(30)]

path = Path(sys.argv[1])
print(is_right(path, "before", "after"), is_right(path, "after"), is_right(path, "before"))
"""


def test_both_waits_are_needed(run_python: Run, tmp_path: Path) -> None:
    """A film whose pictures are read too early, or too late, is wrong; ours is not."""
    done = run_python(
        *("-c", ORDER, str(tmp_path / "out.mp4")),
        SIMULATED_GPU_DELAY_US="20000",
        SIMULATED_GPU_ENCODERS="1",
    )

    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[-1] == "True False False"


FACTS = """
import ctypes, json, sys
from pathlib import Path
import torch
from tests.clips import make_frame
from videoflow.video.capabilities import probe_video
from videoflow.video.encoding import EncoderOpener
from videoflow.video.nvenc import _Surface
from videoflow.video.writer import VideoWriter

nvdec = probe_video().nvdec
module = nvdec.module
frame = make_frame(0, size_hw=(144, 256))
planes = frame.buffer.cuda()
stream = torch.cuda.Stream()

def make(width=256, height=144, **options):
    options = {"bf": 0, "rc": "constqp", "constqp": 20, "gop": 4, "idrperiod": 4} | options
    return module.CreateEncoder(
        width, height, "NV12", False,
        gpu_id=0, cudastream=stream.cuda_stream, codec="h264", **options,
    )

def error_of(call):
    try:
        call()
    except nvdec.errors as error:
        return [type(error).__name__, *str(error).splitlines()[:3]]

found = {}
encoder = make()
calls = []
for time in range(1000, 9000, 1000):
    parameters = module.NV_ENC_PIC_PARAMS()
    parameters.inputTimeStamp = time
    calls.append(encoder.Encode(_Surface(planes), parameters))
calls.append(encoder.EndEncode())
packets = [packet for call in calls for packet in call]
headers = encoder.GetSequenceParams()
found["packets of each call"] = [len(call) for call in calls]
found["numbers"] = [packet["timestamp"] for packet in packets]
found["types"] = [packet["picture_type"] for packet in packets]
found["with headers"] = [packet["data"].startswith(headers) for packet in packets]
del encoder

found["B-frames"] = [make(bf=bf).GetNumBFrames() for bf in (0, 2)]
found["too small"] = error_of(lambda: make(64, 48))
found["another shape"] = error_of(lambda: make().Encode(_Surface(planes[:-3])))

def context():
    current = ctypes.c_void_p()
    ctypes.CDLL("libcuda.so.1").cuCtxGetCurrent(ctypes.byref(current))
    return current.value

def write(opener):
    writer = VideoWriter(Path(sys.argv[1]), opener=opener)
    for _ in range(5):
        writer.write(type(frame)(planes, frame.stamp))
    return writer

kept = [make() for _ in range(2)]
before = context(), torch.cuda.mem_get_info()[0]
found["encoders while all are taken"] = nvdec.count_encoders()
notes = []
write(EncoderOpener(report=notes.append)).publish()
found["on the CPU"] = [note.split(": m_")[0] for note in notes]
found["we leave a context"] = before != (context(), torch.cuda.mem_get_info()[0])
found["no session"] = error_of(make)
found["it leaves a context"] = before[0] != context()
ctypes.CDLL("libcuda.so.1").cuCtxPopCurrent_v2(None)
del kept

torch.cuda.synchronize()
before = torch.cuda.mem_get_info()[0]
opener = EncoderOpener("nvenc", report=print)
for _ in range(4):
    write(opener).abort()
found["bytes not given back"] = before - torch.cuda.mem_get_info()[0]
found["encoders after films that were dropped"] = nvdec.count_encoders()
print(json.dumps(found), flush=True)

encoder = make()
encoder.Encode(_Surface(planes))
writer = write(opener)
"""


def test_what_the_library_does(run_python: Run, tmp_path: Path) -> None:
    """What `video/nvenc.py` and the stand-in rely on; the process ends while it encodes."""
    log = tmp_path / "log"

    done = run_python(
        *("-c", FACTS, str(tmp_path / "out.mp4")),
        SIMULATED_GPU_LOG=str(log),
        SIMULATED_GPU_ENCODERS="3",
        SIMULATED_GPU_ENCODER_SESSIONS="2",
    )

    assert done.returncode == 0, done.stdout
    call = "Error Type : m_nvenc.nvEnc{} returned error {}"
    opening = "OpenEncodeSessionEx(&encodeSessionExParams, &hEncoder)"
    beginning = "InitializeEncoder(m_hEncoder, &m_initializeParams)"
    shapes = "Invalid shape: [142, 256, 1], expected: [144, 256, 1]"
    assert json.loads(done.stdout.splitlines()[-1]) == {
        "packets of each call": [0, 0, 0, 1, 1, 1, 1, 1, 3],
        "numbers": list(range(8)),  # and not the times that were told
        "types": [3, 0, 0, 0] * 2,
        "with headers": [True, False, False, False] * 2,
        "B-frames": [0, 2],
        "too small": [
            "PyNvVCException", "CreateEncoder : ", "Error code : 8", call.format(beginning, 8)
        ],
        "another shape": ["RuntimeError", shapes],
        "no session": [
            "PyNvVCException", "PyNvEncoderCaps : ", "Error code : 10", call.format(opening, 10)
        ],
        "encoders while all are taken": 1,
        "on the CPU": ["encoded on the CPU: NVENC gave no session for 256 x 144"],
        "it leaves a context": True,
        "we leave a context": False,
        "bytes not given back": 0,
        "encoders after films that were dropped": 3,
    }  # fmt: skip
    sessions = [
        line.split()[1] for line in log.read_text().splitlines() if "_encoder 0x" in line
    ]
    assert sessions.count("open_encoder") == sessions.count("destroy_encoder") > 0
