"""The stored sounds of one conversation, opened as they are needed. No database once it is made: any thread may ask."""

from collections import OrderedDict

import numpy as np
import numpy.typing as npt
from django.conf import settings

from conversations.log.audio import AudioStore, StoredAudio
from conversations.log.errors import AudioDamaged, AudioMissing
from conversations.log.keys import KeyRing
from conversations.models import Conversation
from conversations.streams import stream_of
from inference.audio.opus import decode_opus
from inference.errors import AudioRefused

Samples = npt.NDArray[np.int16]
RATE = 24_000
KEPT_SOUNDS = 3
"""Decoded at the same time: a question, its answer, and what is said into that."""
NOTHING: Samples = np.zeros(0, np.int16)


def sounds_of(conversation: Conversation) -> "Sounds":
    """Reads the keys from the database."""
    return Sounds(AudioStore(settings.DATA_DIR / "audio"), KeyRing.load(stream_of(str(conversation.id))))


class Sounds:
    """``ring`` holds the conversation's keys. For one reader at a time."""

    def __init__(self, store: AudioStore, ring: KeyRing) -> None:
        self._store = store
        self._ring = ring
        self._decoded: OrderedDict[str, Samples] = OrderedDict()

    def open(self, audio_id: str) -> StoredAudio:
        """Raises `AudioMissing`, `AudioDamaged`."""
        return self._store.open(audio_id, self._ring.find)

    def samples(self, audio_id: str) -> Samples:
        """int16 mono at `RATE`; empty when the sound is gone or damaged: a replay goes on without it."""
        if audio_id in self._decoded:
            self._decoded.move_to_end(audio_id)
            return self._decoded[audio_id]
        try:
            pcm = decode_opus(self.open(audio_id).read(), rate=RATE)
        except (AudioMissing, AudioDamaged, AudioRefused):
            found = NOTHING
        else:
            found = np.frombuffer(pcm, "<i2")
        self._decoded[audio_id] = found
        while len(self._decoded) > KEPT_SOUNDS:
            self._decoded.popitem(last=False)
        return found
