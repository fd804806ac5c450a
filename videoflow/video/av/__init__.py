"""The door to FFmpeg's libraries: demux, decode, encode and mux. Nothing else imports PyAV.

Knows containers, codecs and their threads. Does not know nodes, flows or file policy (what
is overwritten, what a playlist is).

PyAV's wheel brings FFmpeg along, and with it libx264, which is licensed under the GPL: that
matters to who redistributes the wheel, not to who installs it.
"""
