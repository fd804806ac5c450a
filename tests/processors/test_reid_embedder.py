from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

from tests.pictures import as_nv12, smooth_picture
from videoflow.data import Detections, Stamp, Tracks
from videoflow.errors import FlowStateError, GraphError, ModelError
from videoflow.processors import ReidEmbedder

STAMP = Stamp("camera", 4, 0.4, (96, 128))
FRAME = as_nv12(smooth_picture((96, 128)), STAMP)
BOXES = np.array([[4, 4, 40, 90], [50, 8, 90, 88]], np.float32)


def _detections(num: int) -> Detections:
    scores, labels = np.full(num, 0.5, np.float32), np.zeros(num, np.int64)
    return Detections(STAMP, BOXES[:num], scores, labels)


@pytest.mark.usefixtures("weights")
def test_people_get_their_vectors_and_keep_the_rest() -> None:
    """Detections stay detections, tracks tracks, nobody nobody, and None None."""
    people = _detections(2)
    tracks = Tracks(STAMP, np.array([7, 9]), people.boxes_xyxy, people.scores, people.labels)
    node = ReidEmbedder(device="cpu")
    node.check()
    node.open()

    found, followed, nobody, unseen = node.process_batch(
        [(FRAME, people), (FRAME, tracks), (FRAME, _detections(0)), (FRAME, None)]
    )

    node.close()
    assert isinstance(found, Detections)
    assert isinstance(followed, Tracks)
    assert followed.ids.tolist() == [7, 9]
    assert found.embeddings is not None
    assert followed.embeddings is not None
    assert found.boxes_xyxy is people.boxes_xyxy
    np.testing.assert_allclose(np.linalg.norm(found.embeddings, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(found.embeddings, followed.embeddings, atol=1e-4)
    assert nobody is not None
    assert nobody.embeddings is not None
    assert nobody.embeddings.shape == (0, 256)
    assert unseen is None


def test_node_is_used_open_or_not_at_all() -> None:
    """Without open() there is no model, and the node says so."""
    with pytest.raises(FlowStateError, match=r"'reid_embedder'.*before open"):
        ReidEmbedder().process_batch([(FRAME, None)])


def test_closed_node_travels() -> None:
    """A node goes to its worker before it is opened, with all its options."""
    copy = pickle.loads(pickle.dumps(ReidEmbedder(max_crops=5, max_batch_size=3, name="looks")))

    assert (copy.name, copy.settings["max_crops"], copy.max_batch_size) == ("looks", 5, 3)


@pytest.mark.parametrize("max_crops", [0, -1, 2.5, True, "8"], ids=repr)
def test_values_that_make_no_sense_are_refused_at_once(max_crops: Any) -> None:
    """A wrong value is refused where it is written."""
    with pytest.raises(GraphError, match=r"got max_crops=.*, want an int >= 1"):
        ReidEmbedder(max_crops=max_crops)


def test_a_model_for_something_else_is_refused_before_any_worker_starts() -> None:
    """check() reads what the model is for."""
    with pytest.raises(ModelError, match="got one for detection, want one for embedding"):
        ReidEmbedder("yolox_nano").check()
