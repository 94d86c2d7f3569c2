"""When two recordings are of one speaker (docs/adr/0115 has the measurement)."""

SAME_SPEAKER = 0.75
"""Cosine of Resemblyzer's embeddings from which on a consent is taken for the sample's voice."""
