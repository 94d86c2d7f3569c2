"""Embeds PCM16 files (mono, 16 kHz) with Resemblyzer itself: ``resemblyzer_itself.py PACKAGES OUT.npz FILE...``.

Needs torch, librosa and scipy, and Resemblyzer with WebRTC's voice activity detection in the folder PACKAGES.
"""

import sys

import numpy as np

sys.path.insert(0, sys.argv[1])
from resemblyzer import VoiceEncoder, preprocess_wav  # type: ignore[import-not-found]

encoder = VoiceEncoder("cpu", verbose=False)
embedded = {}
for number, path in enumerate(sys.argv[3:]):
    sound = preprocess_wav(np.fromfile(path, "<i2").astype(np.float32) / 32768)
    embedded[f"speech{number}"] = sound
    embedded[f"embedding{number}"] = encoder.embed_utterance(sound)
np.savez(sys.argv[2], **embedded)
