"""People counted on a GPU are those counted on the CPU."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from tests.mot_scores import read_mot, score_tracks
from videoflow.app.config import read_config
from videoflow.app.shipped import find_config

pytestmark = [pytest.mark.gpu, pytest.mark.slow]

MAX_MOTA_DIFFERENCE = 0.5


def count(test_data: Path, out: Path, **inputs: str) -> tuple[Path, Counter[tuple[str, str]]]:
    """Count people; return the file with the tracks, and how often each line was crossed."""
    settings = {
        "source": str(test_data / "video" / "vtest_h264.mp4"),
        "out": str(out),
        **inputs,
    }
    report = read_config(find_config("count_people"), settings).build().run().join(300)
    assert report.streams[0].num_delivered == 795
    print(*report.notes, sep="\n")
    events = map(json.loads, (out / "counts.jsonl").read_text().splitlines())
    return out / "tracks.txt", Counter((one["line"], one["direction"]) for one in events)


@pytest.mark.usefixtures("weights")
def test_tracks_and_counts_are_those_of_the_cpu(test_data: Path, tmp_path: Path) -> None:
    """MOTA differs by less than half a point, and no line is crossed by more or fewer."""
    truth = read_mot(test_data / "pets09_vtest" / "PETS09-S2L1_gt_frames1-69.txt")
    tracks, counts = count(test_data, tmp_path / "cpu", device="cpu")

    gpu_tracks, gpu_counts = count(test_data, tmp_path / "gpu", device="cuda")

    want, got = (score_tracks(truth, read_mot(path)) for path in (tracks, gpu_tracks))
    assert abs(got.mota - want.mota) < MAX_MOTA_DIFFERENCE
    assert gpu_counts == counts
