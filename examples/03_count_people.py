"""Count the people who cross a line: python examples/03_count_people.py VIDEO [FOLDER]."""

# %% What to read and where to write
import sys
from pathlib import Path

from videoflow.consumers import JsonLinesWriter, MotWriter, VideoFileWriter
from videoflow.core import Flow
from videoflow.processors import ByteTracker, LineCounter, ObjectDetector, PeopleAnnotator
from videoflow.producers import VideoFileReader

if len(sys.argv) < 2:
    sys.exit(__doc__)
video = Path(sys.argv[1])
folder = Path(sys.argv[2] if len(sys.argv) > 2 else "counted")

# %% Find people, follow them, and see who crosses the middle of the picture
frames = VideoFileReader(video)
people = ObjectDetector("yolox_nano", classes=["person"], max_batch_size=8)(frames)
tracks = ByteTracker()(people)
counts = LineCounter()(tracks)

# %% A picture for people, and two files for programs
picture = PeopleAnnotator()(frames, tracks, counts)
writers = [
    VideoFileWriter(folder / "annotated.mp4")(picture),
    JsonLinesWriter(folder / "counts.jsonl")(counts),
    MotWriter(folder / "tracks.txt")(tracks),
]

# %% "batch" reads every frame; the report names the node that holds the others up
flow = Flow([frames], writers, flow_type="batch", name="count-people")
print(flow.run().join())
