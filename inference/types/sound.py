"""How sound is counted between stages."""

WIRE_RATE = 24_000
"""Samples per second on the socket and out of every text-to-speech engine."""
STT_RATE = 16_000
"""Samples per second into voice activity, turn detection and speech-to-text."""
EMBEDDING_SIZE = 256
"""Numbers that tell a voice (`inference.speaker`)."""
