"""CosyVoice: speaks after a reference, finely. Runs in the operator's own checkout and environment (Python 3.10 on)."""
