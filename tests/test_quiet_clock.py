from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from tests import quiet_clock
from tests.quiet_clock import QuietClock


@pytest.mark.parametrize(
    ("stalled_seconds", "want"),
    [
        pytest.param(0.0, 4.0, id="quiet"),
        pytest.param(1.5, 2.5, id="busy"),
        pytest.param(4.0, 0.4, id="never-quiet"),
    ],
)
def test_waiting_for_a_core_does_not_count(
    stalled_seconds: float, want: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What passes is counted without what was waited, and never less than a tenth of it."""
    now = [100.0]
    pressure = tmp_path / "cpu"
    pressure.write_text("some avg10=0.00 avg60=0.00 avg300=0.00 total=7000000\nfull total=0\n")
    monkeypatch.setattr(quiet_clock, "_PRESSURE", pressure)
    monkeypatch.setattr(quiet_clock, "time", SimpleNamespace(monotonic=lambda: now[0]))
    clock = QuietClock()

    now[0] += 4.0
    pressure.write_text(f"some avg10=9.00 total={int((7 + stalled_seconds) * 1e6)}\n")

    assert clock.seconds() == pytest.approx(want)


def test_a_kernel_that_does_not_tell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its word all time counts."""
    now = [100.0]
    monkeypatch.setattr(quiet_clock, "_PRESSURE", tmp_path / "nothing")
    monkeypatch.setattr(quiet_clock, "time", SimpleNamespace(monotonic=lambda: now[0]))
    clock = QuietClock()

    now[0] += 4.0

    assert clock.seconds() == pytest.approx(4.0)
