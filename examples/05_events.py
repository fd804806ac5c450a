"""Keep what happened: rows in a database, a clip and a still: 05_events.py VIDEO [FOLDER]."""

# %% What to read and where to write
import sqlite3
import sys
from pathlib import Path

from videoflow.consumers import EventClipWriter, SqliteWriter, StillWriter
from videoflow.core import Flow, FunctionProcessor
from videoflow.data import Frame
from videoflow.producers import VideoFileReader

if len(sys.argv) < 2:
    sys.exit(__doc__)
video = Path(sys.argv[1])
folder = Path(sys.argv[2] if len(sys.argv) > 2 else "events")


# %% A result of each frame: how bright it is. Counts of a LineCounter would do as well
def measure(frame: Frame) -> dict[str, object]:
    brightness = float(frame.rgb().float().mean())
    return {"stream": frame.stream, "index": frame.index, "brightness": brightness}


# %% An event has a name; frames without one have none
def bright(result: dict[str, float]) -> str | None:
    return "bright" if result["brightness"] > 150 else None


# %% The clip has the seconds before the event too: they are kept encoded, not as frames
frames = VideoFileReader(video)
results = FunctionProcessor(measure)(frames)
writers = [
    SqliteWriter(folder / "results.db")(results),
    EventClipWriter(folder / "{time}-{event}.mp4", before_seconds=3, when=bright)(
        frames, results
    ),
    StillWriter(folder / "{time}-{event}.jpg", when=bright)(frames, results),
]
Flow([frames], writers, flow_type="batch").run().join()

# %% Rows are there for any program that knows SQL
database = sqlite3.connect(folder / "results.db")
print(*database.execute("SELECT count(*) FROM records WHERE brightness > 150").fetchone())
database.close()
print(*sorted(path.name for path in folder.iterdir() if path.suffix != ".db"), sep="\n")

# Prints:
# 1
# 00-00-00.700-bright.jpg
# 00-00-00.700-bright.mp4
