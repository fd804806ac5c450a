"""From frames to detections: the model shelf, the networks, and what stands around them."""
