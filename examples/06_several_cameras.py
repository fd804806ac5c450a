"""Many streams through one model: python examples/06_several_cameras.py VIDEO [VIDEO ...]."""

# %% Each source is a stream; a folder, a pattern or a URL will do as well
import sys

from videoflow.recipes import detect_people

if len(sys.argv) < 2:
    sys.exit(__doc__)
videos = sys.argv[1:]

# %% One detector takes frames of all of them in a batch; each stream gets a folder
flow = detect_people(videos, out="detected", batch=16)
report = flow.run().join()

# %% The report tells of each stream what became of its frames
for stream in report.streams:
    print(f"{stream.stream}: {stream.num_delivered} of {stream.num_read} frames")
