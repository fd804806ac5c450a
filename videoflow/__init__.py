"""GPU-batched inference on video streams."""
