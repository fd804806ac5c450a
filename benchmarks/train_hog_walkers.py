"""Train the numbers of the model ``hog_walkers`` on films of drawn walkers.

    OMP_NUM_THREADS=1 python benchmarks/train_hog_walkers.py models/hog_walkers/hog_walkers.npz

Takes some minutes on one core, and 2 GB of memory. Prints the checksum for the card, and how
often people are found, and what else, in films that were not trained on.

A linear classifier is trained on the windows of a detector's own pyramid: those around whole
people against some of the others, then against those of the others that it takes for people
(hard negatives), twice. Its margin becomes a probability (Platt scaling), and four linear
regressions tell where in the window the person is.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from torch.nn import functional as F

from videoflow.data import Frame, Stamp
from videoflow.nets.card import InputContract
from videoflow.nets.detector import DenseDetector
from videoflow.nets.hog import (
    BLOCKS_HW,
    NUM_CHANNELS,
    HogDetector,
    Windows,
    hog_detector,
    pyramid,
)
from videoflow.nets.postprocess import Selection
from videoflow.nets.preprocess import make_inputs
from videoflow.vision.walkers import WalkersFilm
from videoflow.vision.walkers.film import Seen

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

CONTRACT = InputContract(channels="rgb", size=640, pad_value=0)
TRAINING_SEEDS = range(1000, 1024)
CHECK_SEEDS = range(2000, 2006)
SIZE = NUM_CHANNELS * BLOCKS_HW[0] * BLOCKS_HW[1]
FRAMES_APART = 20
IOU_PERSON = 0.68
IOU_OTHER = 0.4
MOST_HIDDEN = 0.35
FIRST_OTHERS = 25  # of a frame
HARD_OTHERS = 20  # of a frame and round
PENALTY = 3e-4
RIDGE = 3.0


class Examples(NamedTuple):
    """Windows around people, and where in them the people are; M windows.

    Attributes:
        blocks: float32 ``[M, 3780]``.
        offsets: float32 ``[M, 4]``, what the four regressions should say.
    """

    blocks: F32
    offsets: F32


class Look(NamedTuple):
    """One frame: its windows, and who is in it.

    Attributes:
        levels: Of the pyramid; A windows together.
        bodies: ``[A, 4]``, centre, width and height in pixels of the input.
        people: ``[P, 4]``, the same of whole people.
        hidden: ``[Q, 4]``, of people behind others or half out of the picture.
    """

    levels: list[Windows]
    bodies: F64
    people: F64
    hidden: F64

    def blocks(self, windows: NDArray[np.intp]) -> F32:
        """Return float32 ``[M, 3780]`` of some windows."""
        rows = np.empty((len(windows), SIZE), np.float32)
        start = 0
        for level in self.levels:
            places = level.blocks[0].unfold(1, BLOCKS_HW[0], 1).unfold(2, BLOCKS_HW[1], 1)
            here = (windows >= start) & (windows < start + len(level.bodies))
            y, x = np.divmod(windows[here] - start, places.shape[2])
            rows[here] = places[:, y, x].transpose(0, 1).reshape(-1, SIZE).numpy()
            start += len(level.bodies)
        return rows

    def margins(self, weights: F64) -> F32:
        """Return float32 ``[A]``, what a classifier says about each window."""
        filters = torch.from_numpy(weights[:-1].astype(np.float32))
        filters = filters.view(1, NUM_CHANNELS, *BLOCKS_HW)
        said = [F.conv2d(level.blocks, filters).flatten() for level in self.levels]
        return torch.cat(said).numpy() + np.float32(weights[-1])


def main() -> None:
    """Train, write, and check."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    file: Path = parser.parse_args().file
    rng = np.random.default_rng(0)
    people, others = first_examples(rng)
    for number in range(3):
        weights = train_classifier(people.blocks, others)
        print(f"round {number}: {len(people.blocks)} people, {len(others)} others", flush=True)
        if number < 2:
            others = np.concatenate((others, hard_examples(weights)))
    write(file, people, others, weights)
    print(f"sha256: {hashlib.sha256(file.read_bytes()).hexdigest()}")
    check(file)


def first_examples(rng: np.random.Generator) -> tuple[Examples, F32]:
    """Return all windows around people, and some others by chance."""
    blocks, offsets, others = [], [], []
    for look in looks():
        window, person = np.nonzero(overlaps(look.bodies, look.people) > IOU_PERSON)
        blocks.append(look.blocks(window))
        offsets.append(offsets_of(look.bodies[window], look.people[person]))
        free = others_in(look)
        others.append(look.blocks(rng.choice(free, FIRST_OTHERS, replace=False)))
    return Examples(np.concatenate(blocks), np.concatenate(offsets)), np.concatenate(others)


def hard_examples(weights: F64) -> F32:
    """Return, for each frame, the windows without a person that look most like one."""
    found = []
    for look in looks():
        free = others_in(look)
        margins = look.margins(weights)[free]
        worst = np.argsort(-margins)[:HARD_OTHERS]
        found.append(look.blocks(free[worst[margins[worst] > -1]]))
    return np.concatenate(found)


def train_classifier(people: F32, others: F32) -> F64:
    """Return the 3780 weights and the bias of a linear support vector machine.

    Its loss is the squared hinge; both classes weigh the same.
    """
    samples = np.concatenate((people, others))
    signs = np.repeat([1.0, -1.0], [len(people), len(others)])
    shares = np.repeat([0.5 / len(people), 0.5 / len(others)], [len(people), len(others)])

    def loss(weights: F64) -> tuple[float, F64]:
        margins = samples @ weights[:-1].astype(np.float32) + weights[-1]
        slack = np.maximum(0, 1 - signs * margins)
        pull = -2 * shares * signs * slack
        gradient = np.append(pull.astype(np.float32) @ samples, pull.sum())
        gradient[:-1] += 2 * PENALTY * weights[:-1]
        total = (shares * slack**2).sum() + PENALTY * weights[:-1] @ weights[:-1]
        return float(total), gradient

    found = minimize(
        loss,
        np.zeros(samples.shape[1] + 1),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": 120},
    )
    return np.asarray(found.x)


def scale_of(people: F32, others: F32, weights: F64) -> tuple[float, float]:
    """Return factor and addend that turn margins into logits of both classes alike.

    Source: Platt, *Probabilistic Outputs for Support Vector Machines*, 1999.
    """
    margins = [samples @ weights[:-1] + weights[-1] for samples in (people, others)]

    def loss(scale: F64) -> float:
        logits = [scale[0] * margin + scale[1] for margin in margins]
        return float(np.logaddexp(0, -logits[0]).mean() + np.logaddexp(0, logits[1]).mean())

    factor, addend = minimize(loss, np.array([2.0, 0.0]), method="Nelder-Mead").x
    return float(factor), float(addend)


def write(file: Path, people: Examples, others: F32, weights: F64) -> None:
    """Write the filters as 16 bit floats."""
    factor, addend = scale_of(people.blocks, others, weights)
    filters = np.zeros((5, people.blocks.shape[1]))
    bias = np.zeros(5)
    filters[0], bias[0] = factor * weights[:-1], factor * weights[-1] + addend
    mean = people.blocks.mean(0)
    centred = (people.blocks - mean).astype(np.float64)
    square = centred.T @ centred + RIDGE * np.eye(centred.shape[1])
    filters[1:] = np.linalg.solve(square, centred.T @ people.offsets).T
    bias[1:] = people.offsets.mean(0) - filters[1:] @ mean
    shape = (5, NUM_CHANNELS, *BLOCKS_HW)
    file.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        file,
        filters=filters.reshape(shape).astype(np.float16),
        bias=bias.astype(np.float32),
    )


def check(file: Path) -> None:
    """Print how many whole people are found at a score of 0.5, and how many boxes are none."""
    network: HogDetector = hog_detector(file, num_classes=1)
    detector = DenseDetector(
        network,
        Selection(0.5, 0.4),
        labels=("person",),
        contract=CONTRACT,
        input_size=640,
        device=torch.device("cpu"),
    )
    num_people = num_found = num_wrong = num_frames = 0
    errors = []
    for film in map(film_of, CHECK_SEEDS):
        for index in range(0, film.num_frames, FRAMES_APART):
            (found,) = detector.detect([frame_of(film, index)])
            boxes = centred_boxes(found.boxes_xyxy.astype(np.float64))
            seen = film.people(index)
            whole = [is_whole(person, seen, film) for person in seen]
            bodies = np.array([body_of(person, film, index) for person in seen]).reshape(-1, 4)
            alike = overlaps(boxes, bodies) > 0.5
            num_frames += 1
            num_people += sum(whole)
            num_found += int(alike[:, whole].any(0).sum())
            num_wrong += int((~alike.any(1)).sum())
            for box, person in zip(*np.nonzero(alike), strict=True):
                errors.append(boxes[box] - bodies[person])
    print(
        f"{num_frames} frames, {num_people} people, {num_found} found, {num_wrong} wrong boxes"
    )
    spread = np.sqrt(np.square(errors).mean(0)).round(1).tolist()
    print(f"root mean square error of centre x, y, width, height in pixels: {spread}")


def looks() -> Iterator[Look]:
    """Yield the frames to train on."""
    for film in map(film_of, TRAINING_SEEDS):
        for index in range(0, film.num_frames, FRAMES_APART):
            yield look_at(film, index)


def film_of(seed: int) -> WalkersFilm:
    """Return a film."""
    return WalkersFilm(seed=seed)


def frame_of(film: WalkersFilm, index: int) -> Frame:
    """Return a frame of a film."""
    pixels = torch.from_numpy(film.picture(index)).permute(2, 0, 1)
    return Frame(pixels, Stamp("film", index, 0.0, film.size_hw), "rgb")


@torch.inference_mode()
def look_at(film: WalkersFilm, index: int) -> Look:
    """Return the windows of a frame, as a detector sees them."""
    (batch,) = make_inputs(
        [frame_of(film, index)], contract=CONTRACT, input_size=640, device=torch.device("cpu")
    )
    levels = pyramid(batch.images)
    bodies = torch.cat([level.bodies for level in levels]).double().numpy()
    zoom = 640 / film.size_hw[1]
    seen = film.people(index)
    people = np.array([body_of(person, film, index) for person in seen]).reshape(-1, 4) * zoom
    whole = np.array([is_whole(person, seen, film) for person in seen], bool)
    return Look(levels, bodies, people[whole], people[~whole])


def body_of(person: Seen, film: WalkersFilm, index: int) -> tuple[float, float, float, float]:
    """Return centre, width and height of a person: as wide as the feet are apart."""
    x, y = person.walker.way.at(index / film.fps)
    left, top, right, _ = person.box_xyxy
    return x, (top + y) / 2, 2 * max(x - left, right - x), y - top


def is_whole(person: Seen, seen: list[Seen], film: WalkersFilm) -> bool:
    """Say whether somebody can be seen well: in the picture, and not behind others."""
    left, top, right, bottom = person.box_xyxy
    area = (right - left) * (bottom - top)
    inside = (min(right, film.size_hw[1]) - max(left, 0)) * (bottom - top)
    hidden = 0.0
    for other in seen[[one is person for one in seen].index(True) + 1 :]:
        x0, y0, x1, y1 = other.box_xyxy
        width, height = min(right, x1) - max(left, x0), min(bottom, y1) - max(top, y0)
        hidden += max(0.0, width) * max(0.0, height)
    return area - inside + hidden <= MOST_HIDDEN * area


def others_in(look: Look) -> NDArray[np.intp]:
    """Return the windows that are around nobody."""
    everybody = np.concatenate((look.people, look.hidden))
    return np.flatnonzero((overlaps(look.bodies, everybody) < IOU_OTHER).all(1))


def offsets_of(bodies: F64, people: F64) -> F32:
    """Return what is to be added to bodies; see ``HogDetector``."""
    shift = (people[:, :2] - bodies[:, :2]) / bodies[:, 2:]
    return np.hstack((shift, np.log(people[:, 2:] / bodies[:, 2:]))).astype(np.float32)


def centred_boxes(boxes_xyxy: F64) -> F64:
    """Return boxes as centre, width and height."""
    low, high = boxes_xyxy[:, :2], boxes_xyxy[:, 2:]
    return np.hstack(((low + high) / 2, high - low))


def overlaps(one: F64, other: F64) -> F64:
    """Return intersection over union of boxes as centre, width and height, ``[A, B]``."""
    low = np.maximum((one[:, :2] - one[:, 2:] / 2)[:, None], other[:, :2] - other[:, 2:] / 2)
    high = np.minimum((one[:, :2] + one[:, 2:] / 2)[:, None], other[:, :2] + other[:, 2:] / 2)
    both: F64 = np.maximum(0, high - low).prod(2)
    union: F64 = one[:, 2:].prod(1)[:, None] + other[:, 2:].prod(1) - both
    return both / union


if __name__ == "__main__":
    main()
