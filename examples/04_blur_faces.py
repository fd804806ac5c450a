"""Hide the faces in a video: python examples/04_blur_faces.py VIDEO [FOLDER]."""

# %% What to read and where to write
import sys
from pathlib import Path

from videoflow.consumers import VideoFileWriter
from videoflow.core import Flow
from videoflow.processors import FaceBlurrer, ObjectDetector
from videoflow.producers import VideoFileReader

if len(sys.argv) < 2:
    sys.exit(__doc__)
video = Path(sys.argv[1])
folder = Path(sys.argv[2] if len(sys.argv) > 2 else "hidden")

# %% A low threshold: better to hide a lamp post than to show a face
frames = VideoFileReader(video)
people = ObjectDetector("yolox_nano", classes=["person"], score_threshold=0.1)(frames)

# %% The upper part of each person becomes five by five cells; the frames in between stay hidden
hidden = FaceBlurrer(region="head", num_cells=5, hold_seconds=0.5)(frames, people)
writer = VideoFileWriter(folder / "{stream}.mp4")(hidden)

# %% Nothing but the hidden picture leaves the flow
flow = Flow([frames], [writer], flow_type="batch", name="hide-faces")
print(flow.run().join())
