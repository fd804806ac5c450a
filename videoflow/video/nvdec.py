"""The door to PyNvVideoCodec: whether it can be used, and why not. No other file imports it.

Knows how the package fails. Does not know pictures or packets.

The package opens the encoder's library to read a version, also where only decoding is wanted
and on GPUs without an encoder; where that library alone is missing, its extension module is
loaded directly.
"""

from __future__ import annotations

import ctypes
import importlib
import importlib.machinery
import importlib.util
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, Final, Literal

from videoflow.video.stray_context import without_stray_context

__all__ = [
    "LIBRARIES",
    "Nvdec",
    "NvdecCaps",
    "NvdecProblem",
    "codec_names",
    "describe_error",
    "find_extensions",
    "load_nvdec",
    "missing_libraries",
]

Loading = Literal["package", "extension"]

LIBRARIES: Final = {
    "libcuda.so.1": "install NVIDIA's driver; in a container, start it with --gpus all",
    "libnvcuvid.so.1": "in a container, start it with NVIDIA_DRIVER_CAPABILITIES="
    "compute,utility,video; else install the driver's decoding library",
    "libnvidia-encode.so.1": "in a container, start it with NVIDIA_DRIVER_CAPABILITIES="
    "compute,utility,video; else install the driver's encoding library",
}
"""NVIDIA's libraries that decoding and encoding need, and what to do where one is missing."""

# FFmpeg's names of codecs and the names in PyNvVideoCodec.
_CODECS: Final = {
    "h264": "H264",
    "hevc": "HEVC",
    "av1": "AV1",
    "vp8": "VP8",
    "vp9": "VP9",
    "mpeg1video": "MPEG1",
    "mpeg2video": "MPEG2",
    "mpeg4": "MPEG4",
}
_OUT_OF_MEMORY: Final = 10  # NV_ENC_ERR_OUT_OF_MEMORY: no session is left, either
_CHROMAS: Final = ("420", "422", "444")  # the members of its enum are called so


@dataclass(frozen=True, slots=True)
class NvdecProblem:
    """Why PyNvVideoCodec cannot be used.

    Attributes:
        reason: In words that fit behind "no NVDEC: ".
        help: What to do about it.
    """

    reason: str
    help: str


@dataclass(frozen=True, slots=True)
class NvdecCaps:
    """What NVDEC can do with one codec, sampling and depth.

    Attributes:
        is_supported: Whether it decodes it at all.
        num_engines: Decoders on the GPU that work at the same time.
        min_size_hw: Least height and width.
        max_size_hw: Greatest height and width.
        max_macroblocks: Greatest number of 16 x 16 blocks of a picture.
    """

    is_supported: bool
    num_engines: int
    min_size_hw: tuple[int, int]
    max_size_hw: tuple[int, int]
    max_macroblocks: int

    def why_not(self, what: str, size_hw: tuple[int, int]) -> str | None:
        """Return why pictures of a size cannot be decoded, or None if they can.

        Args:
            what: Name of codec, sampling and depth, for the message.
            size_hw: Height and width in pixels.
        """
        if not self.is_supported:
            return f"this GPU does not decode {what}"
        height, width = size_hw
        least, most = self.min_size_hw, self.max_size_hw
        is_small = height < least[0] or width < least[1]
        num_macroblocks = -(-height // 16) * -(-width // 16)
        if is_small or height > most[0] or width > most[1]:
            return (
                f"this GPU decodes {what} of {least[1]} x {least[0]} to {most[1]} x {most[0]}, "
                f"got {width} x {height}"
            )
        if self.max_macroblocks and num_macroblocks > self.max_macroblocks:
            return f"{width} x {height} are more pixels than this GPU decodes of {what}"
        return None


@dataclass(frozen=True, slots=True)
class Nvdec:
    """PyNvVideoCodec, ready for use.

    Attributes:
        module: The package, or its extension module.
        loading: Which of the two.
    """

    module: Any = field(repr=False)
    loading: Loading
    _caps: dict[tuple[str, str, int], NvdecCaps] = field(default_factory=dict, repr=False)

    def codec(self, name: str) -> Any | None:
        """Return the library's value for FFmpeg's name of a codec, or None."""
        return getattr(self.module.cudaVideoCodec, _CODECS.get(name, ""), None)

    def caps(self, codec: str, *, chroma: str, bit_depth: int) -> NvdecCaps:
        """Return what NVDEC can do with a codec; asked once, since each question is slow.

        Whatever GPU is meant, the library asks the first one that the process sees.

        Args:
            codec: FFmpeg's name.
            chroma: ``420``, ``422`` or ``444``.
            bit_depth: Of a sample.
        """
        key = (codec, chroma, bit_depth)
        if key not in self._caps:
            self._caps[key] = self._ask(codec, chroma, bit_depth)
        return self._caps[key]

    def count_encoders(self) -> int:
        """Return how many encoders the first GPU has; H100 and A100 have none.

        Whatever GPU is meant, the library asks the first one, also before it encodes. It asks
        by opening a session: where others have all that there are, there is an encoder.
        """
        try:
            caps = without_stray_context(
                lambda: self.module.GetEncoderCaps(gpuid=0, codec="h264")
            )
        except self.errors as error:  # of a GPU without encoder, or without its library
            return int(_error_code(error) == _OUT_OF_MEMORY)
        return int(caps.get("num_encoder_engines", 0))

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        """What the library raises; its own exceptions are no RuntimeErrors."""
        names = ("PyNvVCException", "PyNvVCExceptionUnsupported")
        own = (getattr(self.module, name, None) for name in names)
        return (RuntimeError, *(kind for kind in own if kind is not None))

    def _ask(self, codec: str, chroma: str, bit_depth: int) -> NvdecCaps:
        value = self.codec(codec)
        if value is None or chroma not in _CHROMAS:
            return NvdecCaps(False, 0, (0, 0), (0, 0), 0)
        caps = self.module.GetDecoderCaps(
            gpuid=0,
            codec=value,
            chromaformat=getattr(self.module.cudaVideoChromaFormat, chroma),
            bitdepth=bit_depth,
        )
        return NvdecCaps(
            bool(caps["supported"]),
            caps["num_decoder_engines"],
            (caps["height_min"], caps["width_min"]),
            (caps["height_max"], caps["width_max"]),
            caps["mb_num_max"],
        )


def load_nvdec(
    *,
    missing: Callable[[], tuple[str, ...]] | None = None,
    import_package: Callable[[], Any] | None = None,
    load_extension: Callable[[], Any] | None = None,
) -> Nvdec | NvdecProblem:
    """Load PyNvVideoCodec, or tell why that is not possible. Creates no CUDA context.

    Args:
        missing: Which of ``LIBRARIES`` are not there; asks the system by default.
        import_package: Imports the package.
        load_extension: Loads the extension module without the package.
    """
    absent = (missing or missing_libraries)()
    for library in ("libcuda.so.1", "libnvcuvid.so.1"):
        if library in absent:
            return NvdecProblem(f"{library} was not found", LIBRARIES[library])
    try:
        if "libnvidia-encode.so.1" in absent:
            return Nvdec((load_extension or _load_extension)(), "extension")
        return Nvdec((import_package or _import_package)(), "package")
    except ModuleNotFoundError as error:
        return NvdecProblem(str(error), "pip install PyNvVideoCodec")
    except Exception as error:  # the package raises whatever its parts raise
        return _problem(error)


def describe_error(error: Exception) -> str:
    """Return in one line what an exception of the library says.

    The library's own have a line each for the function, the code, the call that failed and
    the place in its source; the first line alone says nothing.
    """
    text = str(error)
    found = re.search(r"^Error Type : (.*)$", text, re.MULTILINE)
    if found:
        return found[1].strip()
    return next((line for line in text.splitlines() if line), type(error).__name__)


def codec_names() -> tuple[str, ...]:
    """Return FFmpeg's names of the codecs that some GPU decodes."""
    return tuple(_CODECS)


def missing_libraries() -> tuple[str, ...]:
    """Return which of ``LIBRARIES`` the system's loader does not find."""
    return tuple(library for library in LIBRARIES if not _is_there(library))


def find_extensions(package: Path) -> list[Path]:
    """Return the package's extension modules, the one for the newest driver first."""
    names = ("PyNvVideoCodec_130", "PyNvVideoCodec_121")  # by version of the encoder's API
    endings = importlib.machinery.EXTENSION_SUFFIXES
    paths = [package / f"{name}{ending}" for name in names for ending in endings]
    return [path for path in paths if path.exists()]


def _error_code(error: Exception) -> int | None:
    """Return the number that an exception of the library bears, of CUDA's or NVENC's."""
    found = re.search(r"^Error code : (\d+)", str(error), re.MULTILINE)
    return int(found[1]) if found else None


def _is_there(library: str) -> bool:
    try:
        ctypes.CDLL(library, mode=os.RTLD_LAZY | os.RTLD_LOCAL)
    except OSError:
        return False
    return True


def _import_package() -> ModuleType:
    import PyNvVideoCodec  # only where there is a driver

    package: ModuleType = PyNvVideoCodec
    return package


def _load_extension() -> ModuleType:
    spec = importlib.util.find_spec("PyNvVideoCodec")  # finds the folder, runs nothing
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("No module named 'PyNvVideoCodec'")
    folder = Path(spec.submodule_search_locations[0])
    candidates = find_extensions(folder)
    if not candidates:
        raise ImportError(f"{folder} has no extension module for this Python")
    return _load_first(candidates)


def _load_first(candidates: list[Path]) -> ModuleType:
    """Load the first module that loads: which one a driver wants only its encoder tells."""
    errors = []
    for path in candidates:
        # The name is the one that the module's own initialisation function has.
        spec = importlib.util.spec_from_file_location("_PyNvVideoCodec", path)
        assert spec is not None
        assert spec.loader is not None
        try:
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
        except ImportError as error:
            errors.append(str(error))
        else:
            return module
    raise ImportError("; ".join(errors))


def _problem(error: Exception) -> NvdecProblem:
    """Return what an exception of the package means."""
    text = describe_error(error)
    for library, advice in LIBRARIES.items():
        if library in text:
            return NvdecProblem(f"{library} was not found", advice)
    if "too old" in text:
        return NvdecProblem("NVIDIA's driver is too old", "install a newer driver")
    return NvdecProblem(
        f"PyNvVideoCodec cannot be loaded: {text}",
        "run 'videoflow doctor', and try python -c 'import PyNvVideoCodec'",
    )
