"""How good results are, measured against the truth."""

from videoflow.evaluation.mot_score import ClassRule, MotScore, score_mot

__all__ = ["ClassRule", "MotScore", "score_mot"]
