"""How far our RGB is from PyAV's, clip by clip, and how far both are from the truth.

    python benchmarks/color.py ../shared/data [--json color.json]

Four tables in Markdown. Differences are of 256 levels.

*Clips*: mean / 99th percentile of the first picture of each clip in ``decode/``, by the CPU's
way and by the code that a GPU runs on its planes. They are compared with PyAV's
``to_ndarray(format="rgb24")`` with the arguments it has by default (an untagged clip: with the
matrix of our rule), and with PyAV's RGB of the same samples with chroma written out for each
pixel (4:4:4), where nothing is left to interpolate.

*Blocks*: the largest difference from PyAV's default, where one and the same picture of 8 x 8
blocks comes as ``yuv420p`` and as ``nv12``, at the edges of the blocks and inside.

*Shift*: one sample of chroma is set at a time in a grey picture; how many pixels (right, down)
the middle of what it colours is away from the middle of the 2 x 2 pixels it stands for.

*Truth*: pictures of known RGB are subsampled in floating point, stored without loss, and read
again; the root of the mean squared difference from the RGB that they were made of.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import torch
from av.video.format import VideoFormat
from av.video.frame import VideoFrame
from machine import machine
from numpy.typing import NDArray
from torch.nn import functional as F

from videoflow.data import ColorSpec, Frame, Stamp
from videoflow.data.color import choose_color, nv12_to_rgb, ycbcr_coefficients
from videoflow.video.av.decoder import open_video
from videoflow.video.picture import PictureForm
from videoflow.video.surface import Surface

TRUTHS = ("decode/nasa_13013.mp4", "decode/bt709_full_range.mp4", "video/vtest_h264.mp4")
PYAV_MATRIX = {"bt601": "ITU601", "bt709": "ITU709", "bt2020": "BT2020"}
DIFFERENCES = ("CPU, default", "GPU's code, default", "CPU, 4:4:4", "GPU's code, 4:4:4")
WAYS = ("PyAV", "CPU", "GPU's code")
ODD = {(0, 0): "none", (0, 1): "width", (1, 0): "height", (1, 1): "both"}
SAMPLES = (1, 16, 30)  # of 32 or 33
Pixels = NDArray[Any]


def main() -> None:
    """Print the tables, and write them as JSON where that is wanted."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="the folder with decode/ and video/")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    result: dict[str, Any] = {
        "clips": [clip_row(path) for path in clips(options.data)],
        "blocks": block_rows(),
        "shift": shift_rows(),
        "truth": truth_rows([rgb_of(options.data / name) for name in TRUTHS]),
        "machine": machine(),
    }
    for name in ("clips", "blocks", "shift", "truth"):
        sys.stdout.write(f"{as_table(result[name])}\n\n")
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n")


def clips(data: Path) -> list[Path]:
    """Return the clips of ``decode/`` in the order of their names."""
    return sorted(path for path in (data / "decode").iterdir() if path.suffix != ".txt")


def clip_row(path: Path) -> dict[str, str]:
    """Return what a clip is, and the four differences of its first picture."""
    frame, color = first_picture(path)
    by_cpu, by_gpu_code = cpu_rgb(path), gpu_code_rgb(frame, color)
    default, whole = pyav_rgb(frame, color), pyav_rgb_of_444(frame, color)
    pairs = ((by_cpu, default), (by_gpu_code, default), (by_cpu, whole), (by_gpu_code, whole))
    is_tagged = frame.colorspace not in (0, 2)
    return {
        "clip": path.name,
        "pixels": f"{frame.format.name} {frame.width} x {frame.height}",
        "matrix": color.matrix if is_tagged else f"{color.matrix} by our rule",
    } | {
        name: "{:.2f} / {:.0f}".format(*difference(ours, theirs))
        for name, (ours, theirs) in zip(DIFFERENCES, pairs, strict=True)
    }


def difference(one: Pixels, other: Pixels) -> tuple[float, float]:
    """Return the mean and the 99th percentile of the absolute difference, in levels."""
    levels = np.abs(one.astype(int) - other.astype(int))
    return float(levels.mean()), float(np.percentile(levels, 99))


def block_rows() -> list[dict[str, str]]:
    """Return the largest differences of a picture of blocks in two layouts."""
    generator = np.random.default_rng(0)
    luma, cb, cr = (
        np.kron(generator.integers(low, high, (16, 16)), np.ones((side, side))).astype(np.uint8)
        for low, high, side in ((60, 180, 8), (90, 166, 4), (90, 166, 4))
    )
    nv12 = np.concatenate((luma, np.stack((cb, cr), axis=-1).reshape(64, 128)))
    planar = np.concatenate((luma, cb.reshape(32, 128), cr.reshape(32, 128)))
    ours = nv12_to_rgb(torch.from_numpy(nv12)[None], ColorSpec())[0].permute(1, 2, 0).int()
    is_edge = np.isin(np.arange(128) % 8, (0, 7))
    rows = []
    for layout, planes in (("yuv420p", planar), ("nv12", nv12)):
        theirs = pyav_rgb(VideoFrame.from_ndarray(planes, layout), ColorSpec())
        levels = np.abs(theirs - ours.numpy())
        rows.append(
            {
                "8 x 8 blocks as": layout,
                "rows at edges": str(levels[is_edge].max()),
                "rows inside": str(levels[~is_edge].max()),
            }
        )
    return rows


def shift_rows() -> list[dict[str, str]]:
    """Return how far chroma is shifted near the first, in the middle and near the last."""
    rows = []
    for bits in (8, 10):
        for cut, odd in ODD.items():
            size_hw = (64 + cut[0], 64 + cut[1])
            found = [shifts(size_hw=size_hw, bits=bits, at=at) for at in SAMPLES]
            rows.append(
                {"bits": str(bits), "odd": odd}
                | {
                    way: ", ".join("({:.2f}, {:.2f})".format(*each[way]) for each in found)
                    for way in WAYS
                }
            )
    return rows


def shifts(*, size_hw: tuple[int, int], bits: int, at: int) -> dict[str, tuple[float, float]]:
    """Return for each way by how many pixels chroma sample ``(at, at)`` goes right and down."""
    height, width = size_hw
    luma = np.full(size_hw, 110.0)
    chroma = np.full((2, -(-height // 2), -(-width // 2)), 128.0)
    grey = by_each_way(luma, chroma, bits=bits)
    chroma[1, at, at] += 60
    found = {}
    for way, rgb in by_each_way(luma, chroma, bits=bits).items():
        response = rgb[..., 0].astype(float) - grey[way][..., 0]  # red
        right, down = (
            float(response.sum(axis) @ np.arange(size) / response.sum()) - (2 * at + 0.5)
            for axis, size in ((0, width), (1, height))
        )
        found[way] = (right, down)
    return found


def truth_rows(truths: list[Pixels]) -> list[dict[str, str]]:
    """Return the error of each way, picture by picture, for all sizes, depths and sitings."""
    rows = []
    for siting in ("middle", "left"):
        for bits in (8, 10):
            for cut, odd in ODD.items():
                errors = [
                    truth_errors(with_size(rgb, cut), bits=bits, is_left=siting == "left")
                    for rgb in truths
                ]
                rows.append(
                    {"chroma lies": siting, "bits": str(bits), "odd": odd}
                    | {way: ", ".join(f"{each[way]:.2f}" for each in errors) for way in WAYS}
                )
    return rows


def with_size(rgb: Pixels, cut: tuple[int, int]) -> Pixels:
    """Cut ``[H, W, 3]`` to an even size, less ``cut`` rows and columns."""
    height, width = (
        size // 2 * 2 - less for size, less in zip(rgb.shape[:2], cut, strict=True)
    )
    return rgb[:height, :width]


def truth_errors(rgb: Pixels, *, bits: int, is_left: bool) -> dict[str, float]:
    """Return the root of the mean squared error of each way.

    Args:
        rgb: ``[H, W, 3]``, 0 to 255: the truth.
        bits: Of the samples that are stored, 8 or 10.
        is_left: Chroma lies on the left one of two columns (MPEG-2, H.264, H.265) instead of
            between them (JPEG, MPEG-1; what swscale takes a picture for that does not say).
    """
    weights, bias = (np.array(part) for part in ycbcr_coefficients(ColorSpec()))
    ycbcr = np.moveaxis(rgb @ weights.T + bias, 2, 0)
    odd = [(0, size % 2) for size in rgb.shape[:2]]
    chroma = np.pad(ycbcr[1:], [(0, 0), *odd], mode="edge")
    chroma = (chroma[:, 0::2] + chroma[:, 1::2]) / 2
    if is_left:  # [1, 2, 1] / 4 around the left column
        wide = np.pad(chroma, [(0, 0), (0, 0), (1, 0)], mode="edge")
        chroma = (wide[..., 0:-1:2] + 2 * wide[..., 1::2] + wide[..., 2::2]) / 4
    else:
        chroma = (chroma[..., 0::2] + chroma[..., 1::2]) / 2
    return {
        way: float(np.sqrt(np.mean((each.astype(float) - rgb) ** 2)))
        for way, each in by_each_way(ycbcr[0], chroma, bits=bits).items()
    }


def by_each_way(luma: Pixels, chroma: Pixels, *, bits: int) -> dict[str, Pixels]:
    """Return uint8 ``[H, W, 3]`` by PyAV's default, our CPU's way and the GPU's code.

    Args:
        luma: ``[H, W]``, 0 to 255, BT.601 of limited range.
        chroma: ``[2, h, w]``, Cb and Cr.
        bits: To store them in, 8 or 10.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picture.mkv"
        write_lossless(path, luma, chroma, bits=bits)
        frame, color = first_picture(path)
        ways = (pyav_rgb(frame, color), cpu_rgb(path), gpu_code_rgb(frame, color))
        return dict(zip(WAYS, ways, strict=True))


def write_lossless(path: Path, luma: Pixels, chroma: Pixels, *, bits: int) -> None:
    """Write one 4:2:0 picture with FFV1."""
    height, width = luma.shape
    frame = VideoFrame(width, height, "yuv420p" if bits == 8 else f"yuv420p{bits}le")
    scale = 1 << (bits - 8)
    for out, samples in zip(planes_of(frame), (luma, *chroma), strict=True):
        out[:] = np.clip(np.round(samples * scale), 0, 255 * scale)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=10)
        stream.width, stream.height, stream.pix_fmt = width, height, frame.format.name
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def first_picture(path: Path) -> tuple[VideoFrame, ColorSpec]:
    """Return the first picture as PyAV decodes it, and its colours by our rule."""
    with av.open(str(path)) as container:
        frame = next(container.decode(container.streams.best("video")))
    assert isinstance(frame, VideoFrame)
    is_full_range = frame.color_range == 2 or frame.format.name.startswith("yuvj")
    return frame, choose_color(
        frame.colorspace, is_full_range=is_full_range, num_lines=frame.height
    )


def rgb_of(path: Path) -> Pixels:
    """Return a picture of a film at half its size, to be a truth: float ``[H, W, 3]``."""
    frame, color = first_picture(path)
    rgb = torch.from_numpy(pyav_rgb(frame, color)).permute(2, 0, 1)[None].float()
    half = F.interpolate(rgb, scale_factor=0.5, mode="bilinear", antialias=True)
    return half[0].permute(1, 2, 0).round().numpy().astype(float)


def pyav_rgb(frame: VideoFrame, color: ColorSpec) -> Pixels:
    """Return PyAV's RGB with the arguments that it has by default, but for the matrix."""
    return frame.to_ndarray(format="rgb24", src_colorspace=PYAV_MATRIX[color.matrix])


def pyav_rgb_of_444(frame: VideoFrame, color: ColorSpec) -> Pixels:
    """Return PyAV's RGB of the samples with each of chroma repeated for its pixels."""
    components = VideoFormat(frame.format.name, 16, 16).components
    is_8_bit = components[0].bits == 8
    shift = 0 if is_8_bit else 16 - components[0].bits
    whole = VideoFrame(frame.width, frame.height, "yuv444p" if is_8_bit else "yuv444p16le")
    for out, samples, part in zip(planes_of(whole), planes_of(frame), components, strict=True):
        wide = (samples << shift).repeat(16 // part.width, axis=1)[:, : frame.width]
        out[:] = wide.repeat(16 // part.height, axis=0)[: frame.height]
    return whole.to_ndarray(
        format="rgb24",
        src_colorspace=PYAV_MATRIX[color.matrix],
        src_color_range="JPEG" if color.is_full_range else "MPEG",
        dst_color_range="JPEG",
    )


def cpu_rgb(path: Path) -> Pixels:
    """Return the first picture as a flow on a CPU gets it."""
    with open_video(f"file:{path}", num_threads=1) as decoder:
        picture = decoder.read()
        assert picture is not None
        frame: Frame = picture.to_frame(
            Stamp("clip", 0, 0.0, picture.size_hw),
            memory=lambda shape: torch.empty(shape, dtype=torch.uint8),
        )
    return frame.rgb().permute(1, 2, 0).numpy()


def gpu_code_rgb(frame: VideoFrame, color: ColorSpec) -> Pixels:
    """Return what the code for a GPU makes of the picture's planes, here run on the CPU."""
    bits = frame.format.components[0].bits
    luma, cb, cr = (
        torch.from_numpy(samples << (0 if bits == 8 else 16 - bits))
        for samples in planes_of(frame)
    )
    form = PictureForm((frame.height, frame.width), "rgb", color)
    out = torch.empty(form.buffer_shape, dtype=torch.uint8)
    Surface(luma, torch.stack((cb, cr), dim=-1)).copy_to(out, form)
    return out.numpy()


def planes_of(frame: VideoFrame) -> Iterator[Pixels]:
    """Yield the samples of each plane, ``[h, w]`` on the picture's memory."""
    dtype = np.dtype(np.uint8 if frame.format.components[0].bits == 8 else np.uint16)
    for plane in frame.planes:
        rows = np.frombuffer(memoryview(plane), dtype)
        yield rows.reshape(-1, plane.line_size // dtype.itemsize)[: plane.height, : plane.width]


def as_table(rows: list[dict[str, str]]) -> str:
    """Return rows as a table in Markdown."""
    lines = [list(rows[0]), ["---"] * len(rows[0]), *(list(row.values()) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    main()
