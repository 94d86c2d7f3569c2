"""Speakers that CosyVoice knows already: a reference's tokens and embedding are made once and kept while it is used."""

import io
import os
import threading
import wave
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from inference.types import WIRE_RATE, Reference

_MOST = 16


class Speakers:
    """The least recently used of ``most`` gives way. `forget` may be called from another thread."""

    def __init__(self, model: Any, prompt: str, *, most: int = _MOST) -> None:
        self._model = model
        self._prompt = prompt
        self._most = most
        self._known: OrderedDict[str, str] = OrderedDict()  # id of the reference to its speaker's
        self._forgotten: set[str] = set()
        self._lock = threading.Lock()

    def of(self, reference: Reference) -> str:
        """The speaker's id, registered when it is not known yet."""
        speaker = f"{reference.id}:{reference.digest}"
        with self._lock:
            self._drop(*self._forgotten)
            self._forgotten.clear()
            if self._known.get(reference.id) not in {None, speaker}:
                self._drop(reference.id)
            if reference.id in self._known:
                self._known.move_to_end(reference.id)
                return speaker
            while len(self._known) >= self._most:
                self._drop(next(iter(self._known)))
        with sound_file(reference) as path:
            self._model.add_zero_shot_spk(self._prompt + reference.transcript, path, speaker)
        with self._lock:
            self._known[reference.id] = speaker
        return speaker

    def forget(self, reference_id: str) -> None:
        with self._lock:
            if reference_id in self._known:
                self._drop(reference_id)
            else:
                self._forgotten.add(reference_id)  # it may be being registered now

    def _drop(self, *reference_ids: str) -> None:
        for reference_id in reference_ids:
            speaker = self._known.pop(reference_id, None)
            if speaker is not None:
                self._model.frontend.spk2info.pop(speaker, None)


@contextmanager
def sound_file(reference: Reference) -> Iterator[str]:
    """A path to the reference as WAV, in memory alone: CosyVoice opens it several times, and nobody else can."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(WIRE_RATE)
        file.writeframes(reference.pcm)
    number = os.memfd_create("reference", os.MFD_CLOEXEC)
    try:
        os.write(number, out.getbuffer())
        yield f"/proc/self/fd/{number}"
    finally:
        os.close(number)
