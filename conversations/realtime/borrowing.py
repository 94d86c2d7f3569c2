"""A person's voice in a session: lent for as long as its owner allows, and taken back in mid-sentence."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Protocol

import msgspec

from inference.types import Reference, SpeechMade

SELF = "self"
"""The name under which somebody's own voice, from this very conversation, answers them."""


class NotLent(Exception):
    """The voice is not this person's to use (any more). ``message`` is for people."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Borrowed:
    """A voice in use. `stop` ends every sentence that is being said with it."""

    def __init__(self, voice_id: str, reference: Reference, *, owner_id: str) -> None:
        self.id = voice_id
        """A voice profile's id, or `SELF`."""
        self.owner_id = owner_id
        self.reference = reference
        self._stopped = asyncio.Event()

    @property
    def stopped(self) -> bool:
        return self._stopped.is_set()

    def stop(self) -> None:
        self._stopped.set()

    async def wait_stopped(self) -> None:
        await self._stopped.wait()


class Utterance(msgspec.Struct, frozen=True, kw_only=True):
    """One sentence said in a cloned voice: what its record of origin begins with."""

    id: str
    voice: str
    owner_id: str
    """Whose voice it is."""
    speaker_id: str
    """Whose session it is said in."""
    conversation_id: str
    made: SpeechMade


class Lender(Protocol):
    """Where voices are borrowed; `conversations.lending` is the real one."""

    async def lend(self, person_id: str, voice_id: str) -> Borrowed:
        """The voice, if the person may use it now; raises `NotLent`."""

    def stopped(self, person_id: str, voice: Borrowed) -> AsyncGenerator[str, None]:
        """Gives the reason, once, when the person may not use the voice any more."""

    async def opened(self, utterance: Utterance) -> None:
        """Its record of origin begins: durable before the first sound is given."""

    async def closed(self, utterance: Utterance, pcm: bytes, *, complete: bool) -> None:
        """The record's end: what was made of it, PCM16 mono at WIRE_RATE, and whether that is all."""
