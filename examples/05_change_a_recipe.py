"""Change a recipe before it runs: python examples/05_change_a_recipe.py VIDEO [FOLDER]."""

# %% A whole flow in one call, which has not begun
import sys

from videoflow.core import FunctionConsumer
from videoflow.data import Tracks
from videoflow.processors import OcSortTracker
from videoflow.recipes import track_people

if len(sys.argv) < 2:
    sys.exit(__doc__)
flow = track_people(sys.argv[1], out=sys.argv[2] if len(sys.argv) > 2 else "tracked")

# %% Another tracker in the place of the one that was there, and no video
flow.replace("track", OcSortTracker(name="track"))
flow.remove("write-video")


# %% A node of your own, which gets what the tracker puts out
def tell(tracks: Tracks | None) -> None:
    if tracks is not None and len(tracks.ids):
        print(f"{tracks.stamp.pts_seconds:.1f} s: {len(tracks.ids)} people")


flow.add(FunctionConsumer(tell, name="tell")(flow["track"]))

# %% What became of it; in a notebook, `flow` alone shows a drawing
print(flow.draw())
flow.run().join()

# Prints:
# read                   VideoFileReader
# └─ detect              ObjectDetector
#    └─ track            OcSortTracker  and from read
#       ├─ write-tracks  MotWriter
#       └─ tell          FunctionConsumer
