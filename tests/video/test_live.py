from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
import torch

from tests.clips import index_of, write_clip
from tests.live_server import LiveServer, Step, hang_up, nobody, send, send_and_stall, stall
from videoflow.data import Frame
from videoflow.errors import SourceError
from videoflow.video.live import Address, LiveFeed, Transport, make_address
from videoflow.video.opener import VideoOpener

LONG_SECONDS = 60.0
SHORT_SECONDS = 1.5
"""Where a test waits until silence is too long."""
# A short clip is shorter than what FFmpeg likes to look at before it begins.
QUICK = {"analyzeduration": "0", "probesize": "2000"}


class FakeTime:
    """A clock on which only waiting and reading take time."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.waits: list[float] = []

    def clock(self) -> float:
        self.now += 0.01
        return self.now

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds


@pytest.fixture
def clip(tmp_path: Path) -> bytes:
    return write_clip(tmp_path / "clip.ts", num_frames=10, fps=10).read_bytes()


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def notes() -> list[str]:
    return []


Feed = Callable[..., LiveFeed]


@pytest.fixture
def make_feed(time: FakeTime, notes: list[str]) -> Feed:
    def make(
        url: str,
        *,
        max_reconnects: int | None = None,
        timeout_seconds: float = LONG_SECONDS,
    ) -> LiveFeed:
        return LiveFeed(
            Address(url, None, QUICK),
            stream="door",
            opener=VideoOpener(device="cpu", num_threads=1, report=notes.append),
            timeout_seconds=timeout_seconds,
            max_reconnects=max_reconnects,
            report=notes.append,
            clock=time.clock,
            sleep=time.sleep,
        )

    return make


def read(feed: LiveFeed, num: int) -> list[Frame]:
    frames = []
    for _ in range(num):
        frame = feed.read(memory=lambda shape: torch.empty(shape, dtype=torch.uint8))
        assert frame is not None
        frames.append(frame)
    return frames


@pytest.mark.parametrize(
    "interruptions",
    [
        pytest.param([], id="ends"),
        pytest.param([hang_up], id="hangs-up"),
        pytest.param([hang_up, stall, hang_up], id="away-for-long"),
        pytest.param([send(b"no video at all" * 1000)], id="sends-rubbish"),
    ],
)
def test_a_lost_connection_is_made_again(
    make_feed: Feed, time: FakeTime, notes: list[str], clip: bytes, interruptions: list[Step]
) -> None:
    """The index goes on, time runs with the clock, and the report tells what was lost."""
    timeout_seconds = SHORT_SECONDS if stall in interruptions else LONG_SECONDS
    with LiveServer([send(clip), *interruptions, send(clip)]) as server:
        feed = make_feed(server.url, timeout_seconds=timeout_seconds)

        frames = read(feed, 20)
        feed.close()

    tries = len(interruptions) + 1
    assert [index_of(frame) for frame in frames] == list(range(10)) * 2
    assert [frame.index for frame in frames] == list(range(20))
    assert time.waits == [0.5, 1.0, 2.0, 4.0][:tries]
    gap = frames[10].pts_seconds - frames[9].pts_seconds
    assert gap == pytest.approx(feed.lost_seconds)
    assert sum(time.waits) <= feed.lost_seconds <= sum(time.waits) + 0.5
    assert feed.num_reconnects == tries
    assert len(notes) == 2
    assert "s without pictures" in notes[0]
    assert notes[1].startswith(f"door: connected again {tries} times")


def test_a_source_that_stalls_is_left_after_the_timeout(
    make_feed: Feed, notes: list[str], clip: bytes
) -> None:
    """Silence is a lost connection; what came before is delivered."""
    with LiveServer([send_and_stall(clip), send(clip)]) as server:
        feed = make_feed(server.url, timeout_seconds=SHORT_SECONDS)

        frames = read(feed, 15)
        feed.close()

    assert [index_of(frame) for frame in frames] == [*range(10), *range(5)]
    assert feed.num_reconnects == 1


def test_time_never_goes_back(make_feed: Feed, clip: bytes) -> None:
    """Whatever a source's own timestamps do, those of the stream grow."""
    with LiveServer([send(clip + clip), send(clip)]) as server:
        feed = make_feed(server.url)

        frames = read(feed, 28)
        feed.close()

    assert all(a.pts_seconds < b.pts_seconds for a, b in pairwise(frames))
    assert [frame.pts_seconds for frame in frames[:10]] == pytest.approx(
        [i / 10 for i in range(10)]
    )


def test_a_change_of_size_goes_through(make_feed: Feed, tmp_path: Path, clip: bytes) -> None:
    """A camera that is set to another size goes on, in mid-stream as after a restart."""
    large = write_clip(tmp_path / "large.ts", num_frames=10, size_hw=(96, 128)).read_bytes()
    with LiveServer([send(clip + large), send(clip)]) as server:
        feed = make_feed(server.url)

        sizes = [frame.size_hw for frame in read(feed, 25)]
        feed.close()

    assert sizes == [(48, 64)] * 10 + [(96, 128)] * 10 + [(48, 64)] * 5


def test_damaged_packets_are_counted(make_feed: Feed, notes: list[str], tmp_path: Path) -> None:
    """Noise on the line loses pictures, not the stream."""
    data = bytearray(write_clip(tmp_path / "long.ts", num_frames=60, fps=10).read_bytes())
    noise = torch.randint(0, 256, (1500,), generator=torch.Generator().manual_seed(0))
    begin = len(data) // 2
    data[begin : begin + 1500] = bytes(noise.tolist())
    with LiveServer([send(bytes(data)), send(bytes(data))]) as server:
        feed = make_feed(server.url)

        frames = read(feed, 70)
        feed.close()

    assert len(frames) == 70


@pytest.mark.parametrize("max_reconnects", [None, 0, 2])
def test_a_source_that_is_not_there_is_an_error(
    make_feed: Feed, time: FakeTime, max_reconnects: int | None
) -> None:
    """After the allowed tries one error says what happened; none is tried for ever."""
    with nobody() as url:
        feed = make_feed(url, max_reconnects=max_reconnects)

        with pytest.raises(
            SourceError, match=r"live.ts: cannot be opened: Connection refused"
        ) as e:
            read(feed, 1)
        feed.close()

    assert "max_reconnects=N" in str(e.value)
    assert time.waits == [0.5, 1.0][: max_reconnects or 0]


def test_a_source_that_never_answers_is_an_error(make_feed: Feed) -> None:
    """Connecting ends after the timeout."""
    with LiveServer([stall]) as server:
        feed = make_feed(server.url, timeout_seconds=SHORT_SECONDS)

        with pytest.raises(SourceError, match=r"timeout 1\.5 s, max_reconnects=None"):
            read(feed, 1)
        feed.close()
        assert server.num_connections == 1


def test_a_source_may_come_late(make_feed: Feed, notes: list[str], clip: bytes) -> None:
    """With a number of tries, a camera that is still booting is waited for; that is no loss."""
    with LiveServer([hang_up, hang_up, send(clip)]) as server:
        feed = make_feed(server.url, max_reconnects=3)

        frames = read(feed, 10)
        feed.close()

    assert frames[0].pts_seconds == 0.0
    assert feed.num_reconnects == 2
    assert feed.lost_seconds == 0.0


def test_without_reconnects_the_stream_ends_with_its_source(
    make_feed: Feed, notes: list[str], clip: bytes
) -> None:
    """``max_reconnects=0`` makes a source that ends or breaks an end, and says how it broke."""
    with LiveServer([send(clip)]) as server:
        feed = make_feed(server.url, max_reconnects=0)
        read(feed, 10)

        end = feed.read(memory=lambda shape: torch.empty(shape, dtype=torch.uint8))
        feed.close()

    assert end is None
    assert all("the stream ends" in note for note in notes)


@pytest.mark.parametrize(
    ("url", "transport", "options", "want"),
    [
        pytest.param(
            "rtsp://camera/1",
            "tcp",
            {},
            Address("rtsp://camera/1", None, {"rtsp_transport": "tcp"}),
            id="rtsp",
        ),
        pytest.param(
            "RTSPS://camera/1",
            "udp",
            {},
            Address("RTSPS://camera/1", None, {"rtsp_transport": "udp"}),
            id="rtsps-udp",
        ),
        pytest.param(
            "rtsp://camera/1",
            "tcp",
            {"rtsp_transport": "http"},
            Address("rtsp://camera/1", None, {"rtsp_transport": "http"}),
            id="own-options-win",
        ),
        pytest.param(
            "udp://@:5000",
            "tcp",
            {},
            Address("udp://@:5000", None, {"overrun_nonfatal": "1"}),
            id="udp",
        ),
        pytest.param(
            "/dev/video0",
            "tcp",
            {"video_size": "1280x720"},
            Address("/dev/video0", "v4l2", {"video_size": "1280x720"}),
            id="camera",
        ),
        pytest.param(
            "https://host/live.m3u8",
            "tcp",
            {},
            Address("https://host/live.m3u8", None, {}),
            id="hls",
        ),
    ],
)
def test_ffmpeg_is_told_what_a_source_is(
    url: str, transport: Transport, options: dict[str, str], want: Address
) -> None:
    """Each kind of source is opened with the options that it needs."""
    assert make_address(url, transport=transport, options=options) == want
