"""The real `realtime.borrowing.Lender`: profiles of the voices app, looked at again while they are in use."""

import functools
from collections.abc import AsyncGenerator

from conversations.log.eventlog import event_log
from conversations.oversight import broadcast
from conversations.realtime.borrowing import SELF, Borrowed, NotLent, Utterance
from inference.audio import fingerprint
from inference.types import WIRE_RATE
from voices import selectors
from voices.errors import VoiceNotUsable
from voices.services import provenance

LOOK_S = 2.0
"""How long it may take until a voice falls silent that no poke tells of."""
GONE = "stopped"
DOOR = "realtime"


class Profiles:
    """One for all sessions of a process. ``door``: where it is spoken, for the record of origin."""

    def __init__(self, door: str = DOOR) -> None:
        self._door = door

    async def lend(self, person_id: str, voice_id: str) -> Borrowed:
        try:
            return await event_log().read(functools.partial(_lend, person_id, voice_id))
        except VoiceNotUsable as error:
            raise NotLent(str(error)) from None

    async def stopped(self, person_id: str, voice: Borrowed) -> AsyncGenerator[str, None]:
        """Raises `conversations.log.errors.LogError` when the database cannot be asked."""
        look = functools.partial(_lent, person_id, voice)
        async with broadcast.listening(broadcast.voice_group(voice.id)) as ear:
            reason = GONE
            while await event_log().read(look):
                poke = await ear.wait(LOOK_S)
                reason = poke.reason or GONE if poke is not None else GONE
            yield reason

    async def opened(self, utterance: Utterance) -> None:
        await provenance.aopened(_opening(utterance, self._door))

    async def closed(self, utterance: Utterance, pcm: bytes, *, complete: bool) -> None:
        await provenance.aclosed(
            _opening(utterance, self._door),
            duration_ms=round(len(pcm) / 2 / WIRE_RATE * 1000),
            watermarked=utterance.made.watermarked,
            fingerprint=await event_log().in_files_thread(functools.partial(_fingerprint, pcm)),
            complete=complete,
        )


def _lend(person_id: str, voice_id: str) -> Borrowed:
    reference = selectors.reference_for(person_id, voice_id)
    return Borrowed(voice_id, reference, owner_id=selectors.owner_of(voice_id))


def _lent(person_id: str, voice: Borrowed) -> bool:
    """Whether it is still the person's to use, and still the same sound."""
    return selectors.sample_in_use(person_id, voice.id) == voice.reference.id


def _opening(utterance: Utterance, door: str) -> provenance.Opening:
    made = utterance.made
    return provenance.Opening(
        utterance_id=utterance.id,
        voice=provenance.SELF if utterance.voice == SELF else utterance.voice,
        owner_id=utterance.owner_id,
        speaker_id=utterance.speaker_id,
        engine=made.engine,
        model=made.model,
        quality=made.quality,
        conversation_id=utterance.conversation_id,
        door=door,
    )


def _fingerprint(pcm: bytes) -> str:
    return fingerprint.compute(pcm) if pcm else ""
