"""GPU-batched inference on video streams."""

__all__ = ["__version__"]

__version__ = "0.1.0"
