"""The door to torchvision: the only folder that imports it (2 s, so only its networks do).

Its networks are taken as they are (backbones, heads, anchors, region pooling); what stands
around them there goes image by image, and has a batched form here.
"""
