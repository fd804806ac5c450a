"""A simulated NVIDIA GPU: torch and PyNvVideoCodec as they are, above a driver that is not one.

``driver/`` has the libraries of NVIDIA's driver and runtime that those two load, for host
memory in place of a GPU's: allocations that other processes open by handles, streams with a
late thread each, events between processes, graphs by capture, decoders, and encoders where
``SIMULATED_GPU_ENCODERS`` says so: an H100 has none. PyAV has the codecs (``decoding.py``,
``encoding.py``); ``driver/computing.cpp`` computes with the CPU's code what torch would launch
kernels for, or has a graph compute it.

So what is real is all that Python calls of the two libraries, and the order of it; what is
not is everything that a GPU does with it. Speeds mean nothing here.
"""
