"""The sound of an utterance, encoded while it is spoken: when the turn is over only its last moments are left to do."""

import asyncio
import functools
from collections.abc import Callable, Coroutine
from typing import Any

from conversations.log.audio import AudioStore
from conversations.log.eventlog import EventLog
from conversations.log.keys import DataKey
from inference.audio.opus import OpusEncoder


class Spool:
    """PCM16 24 kHz mono in, pieces of any size; one Ogg Opus file out, encrypted under the turn's key for sound.

    ``find_key`` runs in the writer's transaction; without a key nothing is encoded and nothing reaches the disk. Of one
    event loop. What is spooled and never saved leaves no sound behind. Raises `log.errors.LogError`.
    """

    def __init__(self, log: EventLog, audio: AudioStore, find_key: Callable[[], DataKey | None]) -> None:
        self._log = log
        self._audio = audio
        self._find_key = find_key
        self._key: DataKey | None = None
        self._asked = False
        self._encoder = OpusEncoder()
        self._one = asyncio.Lock()
        self._saved = ""
        self.fed = 0
        """Bytes taken so far."""

    def add(self, pcm: bytes) -> Coroutine[Any, Any, None]:
        """Encodes more of the utterance; it counts as fed at once."""
        self.fed += len(pcm)
        return self._add(pcm)

    async def _add(self, pcm: bytes) -> None:
        async with self._one:
            if await self._known_key() is not None:
                await self._log.in_files_thread(functools.partial(self._encoder.feed, pcm))

    async def save(self, rest: bytes = b"") -> str:
        """Adds the ``rest`` and stores all; on disk on return. Returns the opaque id to put into a fact.

        The id is empty when no sound of the turn is kept.
        """
        self.fed += len(rest)
        async with self._one:
            key = await self._known_key()
            if key is None:
                return ""
            self._saved = await self._log.in_files_thread(functools.partial(self._store, key, rest))
            return self._saved

    async def discard(self) -> None:
        """Speech went on after `save`: the file goes, for nothing names it."""
        async with self._one:
            if self._saved:
                await self._log.in_files_thread(functools.partial(self._audio.delete, self._saved))
                self._saved = ""

    async def _known_key(self) -> DataKey | None:
        if not self._asked:
            self._key, self._asked = await self._log.write(self._find_key), True
        return self._key

    def _store(self, key: DataKey, rest: bytes) -> str:
        self._encoder.feed(rest)
        return self._audio.write(key, self._encoder.finish())
