"""A simulated GPU whose memory fills and empties, and the real memory gate that decides about it.

`python -m tests.capacity` makes the figures of docs/capacity.md.
"""
