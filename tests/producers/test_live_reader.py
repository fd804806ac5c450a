from __future__ import annotations

import pickle
import threading
from pathlib import Path

import pytest

from tests.clips import index_of, write_clip
from tests.flows.nodes import END_SECONDS, Drop, wait_for_frames
from tests.live_server import LiveServer, nobody, send, send_and_stall
from tests.quiet_clock import QuietClock
from videoflow.core import Flow
from videoflow.errors import FlowStateError, GraphError, NodeError, SourceError
from videoflow.producers import LiveReader

QUICK = {"analyzeduration": "0", "probesize": "2000"}


@pytest.fixture
def clip(tmp_path: Path) -> bytes:
    return write_clip(tmp_path / "clip.ts", num_frames=10, fps=10).read_bytes()


def test_a_live_source_is_a_stream_of_frames(clip: bytes) -> None:
    """Frames with stream, index and time, and the end where the source is not to come back."""
    with LiveServer([send(clip)]) as server:
        reader = LiveReader(server.url, max_reconnects=0, ffmpeg_options=QUICK)
        reader.check()
        copy = pickle.loads(pickle.dumps(reader))
        copy.open()

        frames = [copy.next() for _ in range(10)]

        with pytest.raises(StopIteration):
            copy.next()
        copy.close()
    assert [index_of(frame) for frame in frames] == list(range(10))
    assert {frame.stream for frame in frames} == {"127.0.0.1"}


def test_a_realtime_flow_stops_though_its_source_is_silent(tmp_path: Path) -> None:
    """``stop()`` ends a flow within its limits, also while a reader waits for a camera."""
    clip = write_clip(tmp_path / "long.ts", num_frames=200, size_hw=(240, 320)).read_bytes()
    with LiveServer([send_and_stall(clip)]) as server:
        reader = LiveReader(server.url, timeout_seconds=30, ffmpeg_options=QUICK)
        flow = Flow([reader], [Drop()(reader)], flow_type="realtime").run()
        wait_for_frames(flow, 1)
        clock = QuietClock()

        flow.stop()
        report = flow.join()

    assert clock.seconds() < END_SECONDS
    assert report.ending == "stopped"
    assert report.streams[0].num_failed == 0


def test_the_report_tells_of_lost_connections(clip: bytes) -> None:
    """What a flow lost stands in its report."""
    with LiveServer([send(clip), send(clip), send_and_stall(clip)]) as server:
        reader = LiveReader(server.url, timeout_seconds=2, ffmpeg_options=QUICK)
        flow = Flow([reader], [Drop()(reader)], flow_type="realtime").run()
        done = threading.Event()
        while server.num_connections < 3 and not done.wait(0.05):
            continue
        flow.stop()
        report = flow.join()

    assert any("connected again" in note for note in report.notes)


def test_an_address_without_a_source_fails_the_flow() -> None:
    """One clear error, with the password left out."""
    with nobody() as url:
        reader = LiveReader(url.replace("http://", "tcp://admin:secret@"), timeout_seconds=1)
        flow = Flow([reader], [Drop()(reader)], flow_type="realtime")

        with pytest.raises(NodeError, match="cannot be opened: Connection refused") as error:
            flow.run().join()

    assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param({"url": "door.mp4"}, "got url='door.mp4', want a URL", id="file"),
        pytest.param({"timeout_seconds": 0}, "got timeout_seconds=0, want > 0", id="timeout"),
        pytest.param({"max_reconnects": -1}, "got max_reconnects=-1", id="reconnects"),
        pytest.param({"transport": "smoke"}, "want 'tcp' or 'udp'", id="transport"),
    ],
)
def test_values_without_sense_are_refused(arguments: dict[str, object], message: str) -> None:
    """Each is named with what is wanted."""
    with pytest.raises(GraphError, match=message):
        LiveReader(**{"url": "rtsp://camera/1"} | arguments)  # type: ignore[arg-type]


def test_a_camera_that_is_not_there_is_refused_before_the_flow_starts() -> None:
    """The number of a camera is its file; the check looks for it."""
    with pytest.raises(SourceError, match="/dev/video77: got no such camera"):
        LiveReader(77).check()


@pytest.mark.parametrize("scheme", ["rtsp", "rtsps", "http", "https", "rtmp", "rtmps"])
def test_a_source_that_does_not_answer_is_refused_before_the_flow_starts(scheme: str) -> None:
    """One clear error, with the password left out; who is told to wait is not asked."""
    with nobody() as url:
        address = url.replace("http://", f"{scheme}://admin:secret@")

        with pytest.raises(SourceError, match="cannot be opened: Connection refused") as error:
            LiveReader(address).check()
        LiveReader(address, max_reconnects=3).check()

    assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    ("scheme", "options", "environment"),
    [
        pytest.param("tcp", {}, {}, id="one-connection-may-be-all"),
        pytest.param("udp", {}, {}, id="no-connection"),
        pytest.param("http", {"listen": "1"}, {}, id="ffmpeg-is-the-server"),
        pytest.param("http", {"http_proxy": "http://proxy:3128"}, {}, id="proxy"),
        pytest.param("https", {}, {"http_proxy": "http://proxy:3128"}, id="proxy-of-all"),
    ],
)
def test_an_address_that_tells_nothing_is_not_asked(
    monkeypatch: pytest.MonkeyPatch,
    scheme: str,
    options: dict[str, str],
    environment: dict[str, str],
) -> None:
    """Where a connection would do harm, or go elsewhere than FFmpeg's, the reader finds out."""
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with nobody() as url:
        LiveReader(url.replace("http", scheme, 1), ffmpeg_options=options).check()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        pytest.param("rtsp:///door", "got no host", id="no-host"),
        pytest.param("rtsp://camera:99999/door", "want 1 to 65535", id="port"),
    ],
)
def test_an_address_that_is_none_is_refused(url: str, message: str) -> None:
    """What cannot be an address is told without asking anybody."""
    with pytest.raises(SourceError, match=message):
        LiveReader(url).check()


def test_a_reader_that_is_not_open_says_so() -> None:
    """Reading before open is an error of order, not of the source."""
    with pytest.raises(FlowStateError, match="is not open"):
        LiveReader("rtsp://camera/1").next()
