"""Files to begin with: a script and a config, commented."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

from videoflow.errors import OutputError

__all__ = ["write_starter"]

_SCRIPT: Final = '''\
"""Count the people who cross a line: python {name} VIDEO [FOLDER]."""

import sys

from videoflow.core import FunctionConsumer
from videoflow.recipes import count_people

if len(sys.argv) < 2:
    sys.exit(__doc__)
video = sys.argv[1]
folder = sys.argv[2] if len(sys.argv) > 2 else "counted"

# A recipe is a whole flow. The line is x1, y1, x2, y2 in pixels; without it, it runs across the
# middle of the picture.
flow = count_people(video, out=folder, line=None)


# A node of your own: any function of what another node puts out. Others are in
# videoflow.processors, and docs/write-a-node.md tells how to write a class.
def tell(counts):
    if counts is None:  # the detector did not look at this frame
        return
    for crossing in counts.crossings:
        print(f"{{crossing.stamp.pts_seconds:.1f}} s: {{crossing.direction}}", flush=True)


flow.add(FunctionConsumer(tell, name="tell")(flow["count"]))

print(flow.draw())  # what is connected with what
print(flow.run().join())  # what each node cost, and what became of every frame
'''

_CONFIG: Final = """\
# Find and follow people in a video.
#
#     videoflow run {name} door.mp4 --out people
#
# writes into the folder `people`: `annotated.mp4`, and `tracks.txt` in MOTChallenge's format.

flow:
  name: people
  type: ${{mode}}

# What the command line may say. An input without a default has to be said.
inputs:
  source:
    help: a video file, a folder, a pattern, a URL, or several of these
    example: VIDEO
    many: true
  out:
    help: the folder to write into; with several sources, a folder in it for each
    default: people
    per_stream_of: source
  device:
    help: auto, cpu, cuda or cuda:N
    default: auto
  mode:
    help: batch, realtime, or auto (realtime for a live source)
    default: auto
    choices: [auto, batch, realtime]

# name: {{type: a class, from: its parent or a list of them, and the arguments of the class}}.
# `videoflow schema --out videoflow.json` writes what an editor needs to complete these.
nodes:
  read:
    type: VideoReader
    source: ${{source}}
    device: ${{device}}

  detect:
    type: ObjectDetector
    from: read
    model: yolox_nano  # `videoflow models list` shows the others
    classes: [person]
    max_batch_size: 8
    device: ${{device}}

  track:
    type: ByteTracker
    from: [detect, read]
    track_threshold: 0.4
    new_track_threshold: 0.7

  draw:
    type: PeopleAnnotator
    from: [read, track]

  write-video:
    type: VideoFileWriter
    from: draw
    path: ${{out}}/annotated.mp4

  write-tracks:
    type: MotWriter
    from: track
    path: ${{out}}/tracks.txt
"""

_SUFFIXES: Final = {"script": (".py",), "config": (".yaml", ".yml")}


def write_starter(kind: Literal["script", "config"], path: Path) -> None:
    """Write a file to begin with.

    Args:
        kind: Which.
        path: Of the new file.

    Raises:
        OutputError: It is there already, has another ending, or cannot be written.
    """
    suffixes = _SUFFIXES[kind]
    if not path.name:
        raise OutputError(
            f"{path}: is a folder, want a file", help=f"videoflow new {kind} flow{suffixes[0]}"
        )
    if path.suffix not in suffixes:
        raise OutputError(
            f"{path}: got the ending {path.suffix!r}, want {' or '.join(suffixes)}",
            help=f"videoflow new {kind} {path.with_suffix(suffixes[0])}",
        )
    text = (_SCRIPT if kind == "script" else _CONFIG).format(name=path.name)
    try:
        with path.open("x", encoding="utf-8", errors="replace") as file:
            file.write(text)
    except FileExistsError as error:
        raise OutputError(
            f"{path}: is there already, want a new file", help="choose another name"
        ) from error
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be written: {error.strerror}",
            help="choose a path in a folder that is there and that you may write to",
        ) from error
