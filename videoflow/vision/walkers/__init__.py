"""Drawn people who walk over a square: a video with a truth that nobody had to label."""

from videoflow.vision.walkers.crowd import Walker, plan_crowd
from videoflow.vision.walkers.film import WalkersFilm
from videoflow.vision.walkers.ways import Passage, Way

__all__ = ["Passage", "Walker", "WalkersFilm", "Way", "plan_crowd"]
