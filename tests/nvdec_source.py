"""Sources whose packets the stand-in for NVDEC decodes, and the same sources on the CPU."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch

from tests.nvdec_stub import FakeLibrary, FakeStream
from videoflow.data import Frame, Stamp
from videoflow.video.av.acceleration import Acceleration
from videoflow.video.av.decoder import VideoDecoder, open_video
from videoflow.video.nvdec_decoder import NvdecDecoder
from videoflow.video.nvdec_sessions import NvdecSessions
from videoflow.video.picture import Picture


class Opener:
    """Opens sources with the stand-in, all on one stream and with one pool of sessions."""

    def __init__(self, library: FakeLibrary) -> None:
        self.library = library
        self.stream = FakeStream(library.events)
        self.sessions = NvdecSessions(
            library.nvdec, gpu_index=0, stream_handle=self.stream.handle
        )
        self.notes: list[str] = []

    def open(self, path: Path) -> VideoDecoder:
        hardware = NvdecDecoder(self.sessions, self.stream)
        return open_video(
            f"file:{path}",
            num_threads=1,
            acceleration=Acceleration(hardware=hardware, report=self.notes.append),
        )

    def read(self, path: Path, *, at_most: int = 10**6) -> tuple[list[Frame], str | None]:
        with self.open(path) as decoder:
            return read_all(decoder, at_most=at_most), decoder.describe_loss()


def to_frame(picture: Picture, index: int = 0) -> Frame:
    stamp = Stamp("s", index, picture.pts_seconds or 0.0, picture.size_hw)
    return picture.to_frame(stamp, memory=lambda shape: torch.zeros(shape, dtype=torch.uint8))


def read_all(decoder: VideoDecoder, *, at_most: int = 10**6) -> list[Frame]:
    def read() -> Iterator[Frame]:
        for index in range(at_most):
            picture = decoder.read()
            if picture is None:
                return
            yield to_frame(picture, index)

    return list(read())


def on_cpu(path: Path, *, at_most: int = 10**6) -> list[Frame]:
    with open_video(f"file:{path}", num_threads=1) as decoder:
        return read_all(decoder, at_most=at_most)
