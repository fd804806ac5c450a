"""A flow in a notebook's cell: a bar, live pictures, and an end with the interrupted cell.

The one door to IPython. Everything is shown as plain displays that are updated in place: they
need no widgets, and a saved notebook keeps the last state of each.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from html import escape
from typing import TYPE_CHECKING, Any, Final

from videoflow.app.progress import watch_progress
from videoflow.data.frame import Frame
from videoflow.errors import FlowStateError, MissingDependencyError, ShapeError

if TYPE_CHECKING:
    from torch import Tensor

    from videoflow.core.flow import Flow
    from videoflow.core.report import Progress

__all__ = ["CellPictures", "at_interrupt", "cell_progress", "shrunk"]

_PICTURE_SECONDS: Final = 0.25
_BAR_SECONDS: Final = 0.5
_QSCALE: Final = 4  # of JPEG: pictures of 480 pixels' width take about 25 kB


def cell_progress(flow: Flow) -> AbstractContextManager[None]:
    """Show a bar in the cell until the block is left; show nothing where there is no cell.

    Args:
        flow: A running flow.
    """
    return nullcontext() if _kernel_shell() is None else watch_progress(flow, _CellBar())


def at_interrupt(stop: Callable[[], None]) -> None:
    """Call ``stop`` if the cell that is running now is interrupted, wherever it is by then.

    Does nothing where there is no cell.
    """
    shell = _kernel_shell()
    if shell is None:
        return

    def after_cell(result: Any) -> None:
        shell.events.unregister("post_run_cell", after_cell)
        if isinstance(result.error_in_exec, KeyboardInterrupt):
            stop()

    shell.events.register("post_run_cell", after_cell)


class CellPictures:
    """Pictures in a cell, one for each stream, each replaced by the next.

    Args:
        width_px: Wider frames are shown as wide as this.

    Raises:
        FlowStateError: There is no cell.
        MissingDependencyError: IPython is not installed.
        ShapeError: ``width_px`` is below 1.
    """

    def __init__(self, *, width_px: int) -> None:
        if width_px < 1:
            raise ShapeError(f"preview: got width_px={width_px}, want an int >= 1")
        _require_cell()
        self._width_px = width_px
        self._displays: dict[str, Any] = {}
        # In a thread, which no interrupt reaches: torch that is half imported stays broken.
        self._importing = threading.Thread(target=_import_for_pictures, daemon=True)
        self._importing.start()

    def show_all(self, frames: Iterable[Any]) -> None:
        """Show frames until there are no more, and at most four a second.

        Args:
            frames: The caller's own; while a picture stands no other is asked for.

        Raises:
            ShapeError: Something else than a frame.
        """
        self._importing.join()
        for frame in frames:
            shown_at = time.monotonic()
            self._show(frame)
            time.sleep(max(0.0, shown_at + _PICTURE_SECONDS - time.monotonic()))

    def _show(self, frame: Any) -> None:
        from videoflow.video.av.image_encoder import encode_image  # slow: see above

        if not isinstance(frame, Frame):
            raise ShapeError(
                f"preview: got {type(frame).__name__}, want Frame",
                help="preview a node that puts out pictures: a reader, or an annotator",
            )
        picture = shrunk(frame.rgb().cpu(), self._width_px)
        jpeg = encode_image(picture, codec="mjpeg", qscale=_QSCALE)
        self._displays[frame.stream] = _displayed(
            {"image/jpeg": jpeg, "text/plain": repr(frame)}, self._displays.get(frame.stream)
        )


def _import_for_pictures() -> None:
    import videoflow.data.color
    import videoflow.video.av.image_encoder  # noqa: F401 - both are slow: only for who looks


def shrunk(rgb: Tensor, width_px: int) -> Tensor:
    """Return uint8 ``[3, H, W]``, at most ``width_px`` wide, in its proportions."""
    _, height, width = rgb.shape
    if width <= width_px:
        return rgb
    from torch.nn.functional import interpolate

    size_hw = (max(1, round(height * width_px / width)), width_px)
    return interpolate(rgb[None], size=size_hw, mode="bilinear", antialias=True)[0]


class _CellBar:
    period_seconds = _BAR_SECONDS

    def __init__(self) -> None:
        self._display = _displayed(_bar("starting", None), None)

    def show(self, progress: Progress, text: str) -> None:
        _displayed(_bar(text, progress), self._display)

    def close(self) -> None:
        pass


def _bar(text: str, progress: Progress | None) -> dict[str, Any]:
    if progress is None or progress.num_total is None:
        value = "" if progress is None or progress.is_running else 'value="1"'
    else:
        value = f'value="{progress.num_done}" max="{max(1, progress.num_total)}"'
    html = f'<progress {value} style="width: 20em"></progress> <code>{escape(text)}</code>'
    return {"text/html": html, "text/plain": text}


def _displayed(bundle: dict[str, Any], handle: Any) -> Any:
    """Show ``bundle``, in the place of what ``handle`` shows; return the handle."""
    from IPython.display import display

    if handle is None:
        return display(bundle, raw=True, display_id=True)  # type: ignore[no-untyped-call] # untyped library
    handle.update(bundle, raw=True)
    return handle


def _require_cell() -> None:
    try:
        shell = _kernel_shell()
    except ImportError as error:
        raise MissingDependencyError(
            "preview shows pictures in a notebook; IPython is not installed",
            help='pip install "videoflow[notebook]"; in a script, loop over flow.stream(node)',
        ) from error
    if shell is None:
        raise FlowStateError(
            "preview shows pictures in a notebook; there is none here",
            help="loop over flow.stream(node), or write a file with VideoFileWriter",
        )


def _kernel_shell() -> Any:
    """Return the shell of the notebook's kernel, or None outside of one."""
    from IPython import get_ipython

    shell = get_ipython()
    return shell if shell is not None and hasattr(shell, "kernel") else None
