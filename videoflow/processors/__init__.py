"""Nodes that compute one output from the inputs of one frame."""

from typing import TYPE_CHECKING

from videoflow.exports import lazy_exports
from videoflow.processors.identity_processor import IdentityProcessor
from videoflow.processors.joiner_processor import JoinerProcessor

if TYPE_CHECKING:
    from videoflow.processors.bot_sort_tracker import BotSortTracker
    from videoflow.processors.byte_tracker import ByteTracker
    from videoflow.processors.camera_motion_estimator import CameraMotionEstimator
    from videoflow.processors.camera_motion_reader import CameraMotionReader
    from videoflow.processors.crop_transformer import CropTransformer
    from videoflow.processors.face_blurrer import FaceBlurrer
    from videoflow.processors.heat_map_aggregator import HeatMapAggregator
    from videoflow.processors.line_counter import LineCounter
    from videoflow.processors.mask_transformer import MaskTransformer
    from videoflow.processors.motion_tracker import MotionTracker
    from videoflow.processors.object_detector import ObjectDetector
    from videoflow.processors.oc_sort_tracker import OcSortTracker
    from videoflow.processors.people_annotator import PeopleAnnotator
    from videoflow.processors.reid_embedder import ReidEmbedder
    from videoflow.processors.resize_transformer import ResizeTransformer
    from videoflow.processors.scene_annotator import SceneAnnotator
    from videoflow.processors.semantic_segmenter import SemanticSegmenter
    from videoflow.processors.sort_tracker import SortTracker
    from videoflow.processors.speed_estimator import SpeedEstimator
    from videoflow.processors.zone_counter import ZoneCounter
else:  # what looks at pictures is imported when its name is first used
    __getattr__ = lazy_exports(
        __name__,
        {
            "BotSortTracker": "bot_sort_tracker",
            "ByteTracker": "byte_tracker",
            "CameraMotionEstimator": "camera_motion_estimator",
            "CameraMotionReader": "camera_motion_reader",
            "CropTransformer": "crop_transformer",
            "FaceBlurrer": "face_blurrer",
            "HeatMapAggregator": "heat_map_aggregator",
            "LineCounter": "line_counter",
            "MaskTransformer": "mask_transformer",
            "MotionTracker": "motion_tracker",
            "ObjectDetector": "object_detector",
            "OcSortTracker": "oc_sort_tracker",
            "PeopleAnnotator": "people_annotator",
            "ReidEmbedder": "reid_embedder",
            "ResizeTransformer": "resize_transformer",
            "SortTracker": "sort_tracker",
            "SceneAnnotator": "scene_annotator",
            "SemanticSegmenter": "semantic_segmenter",
            "SpeedEstimator": "speed_estimator",
            "ZoneCounter": "zone_counter",
        },
    )

__all__ = [
    "BotSortTracker",
    "ByteTracker",
    "CameraMotionEstimator",
    "CameraMotionReader",
    "CropTransformer",
    "FaceBlurrer",
    "HeatMapAggregator",
    "IdentityProcessor",
    "JoinerProcessor",
    "LineCounter",
    "MaskTransformer",
    "MotionTracker",
    "ObjectDetector",
    "OcSortTracker",
    "PeopleAnnotator",
    "ReidEmbedder",
    "ResizeTransformer",
    "SceneAnnotator",
    "SemanticSegmenter",
    "SortTracker",
    "SpeedEstimator",
    "ZoneCounter",
]
