"""Write a consumer: the demo's people as an animated picture, 08_consumer_of_your_own.py."""

# %% The square and its people are drawn: no video is needed
from pathlib import Path

from PIL import Image

from videoflow.core import ConsumerNode, Flow
from videoflow.data import Frame
from videoflow.processors import ByteTracker, LineCounter, ObjectDetector, PeopleAnnotator
from videoflow.producers import WalkersProducer


# %% A consumer is one method; end_stream() hears that nothing more will come
class AnimationWriter(ConsumerNode):
    """Write every second frame of one stream as an animated WebP."""

    def __init__(self, path: str, *, width: int) -> None:
        super().__init__()
        self.path = Path(path)
        self.width = width
        self.pictures: list[Image.Image] = []

    def consume(self, frame: Frame) -> None:
        if frame.index % 2 == 0:
            rgb = frame.rgb().permute(1, 2, 0)  # it is 3 x H x W
            picture = Image.fromarray(rgb.cpu().numpy())
            height = picture.height * self.width // picture.width
            self.pictures.append(picture.resize((self.width, height)))

    def end_stream(self, stream: str, ending: str) -> None:
        if ending == "failed":
            return
        first, *others = self.pictures
        first.save(
            self.path, save_all=True, append_images=others, duration=100, loop=0, quality=45
        )
        print(len(self.pictures), "pictures")


# %% Find, follow, count and draw
frames = WalkersProducer(seconds=7, fps=20)
people = ObjectDetector("hog_walkers", every=2)(frames)
tracks = ByteTracker(track_threshold=0.8, new_track_threshold=0.95, max_lost_frames=40)(
    people, frames
)
counts = LineCounter(frames.line.start, frames.line.end)(tracks)
drawn = PeopleAnnotator(trail_seconds=1.5)(frames, tracks, counts)
animation = AnimationWriter("walkers.webp", width=640)(drawn)

Flow([frames], [animation], flow_type="batch").run().join()

# Prints:
# 70 pictures
