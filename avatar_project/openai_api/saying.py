"""One text spoken for a program: who speaks, then the sound; borrowed voices with the record of their origin."""

import asyncio
from collections.abc import AsyncGenerator
from uuid import uuid4

import msgspec
import structlog

from avatar_project.openai_api.voices import Chosen, lender
from conversations.engines import engines
from conversations.log.errors import LogError
from conversations.realtime.borrowing import Borrowed, Utterance
from inference.errors import EngineError, EngineUnavailable, VoiceStopped
from inference.types import Quality, SpeechMade

DUE_IN_S = 0.5
"""A conversation's first sentence goes before a program's."""
log = structlog.get_logger(__name__)


async def said(
    text: str,
    voice: Chosen,
    *,
    person_id: str,
    language: str,
    speed: float,
    quality: Quality,
    instructions: str = "",
) -> AsyncGenerator[bytes | SpeechMade]:
    """First `SpeechMade`, then PCM16 mono at WIRE_RATE as it comes; closing it stops the synthesis.

    Raises `EngineError`; `VoiceStopped` when a borrowed voice is taken back meanwhile.
    """
    borrowed = voice.borrowed
    async with engines().speech(
        text,
        voice=voice.name,
        language=language or (borrowed.reference.language if borrowed else ""),
        speed=speed,
        due_in_s=DUE_IN_S,
        reference=borrowed.reference if borrowed else None,
        quality=quality,
        instructions=instructions,
    ) as answer:
        if borrowed is None or not answer.made.cloned:
            yield answer.made
            async for pcm in answer:
                yield pcm
            return
        origin = await _opened(borrowed, answer.made, person_id)
        watch = asyncio.create_task(_watch(borrowed, person_id), name="a borrowed voice")
        spoken, complete = bytearray(), False
        try:
            # The host knows the sample alone, by a name that is nobody else's business.
            yield msgspec.structs.replace(answer.made, voice=borrowed.id)
            async for pcm in answer:
                if borrowed.stopped:
                    raise VoiceStopped("This voice was taken back.")
                spoken += pcm
                yield pcm
            complete = True
        finally:
            watch.cancel()
            await asyncio.shield(_closed(origin, bytes(spoken), complete))


async def _opened(borrowed: Borrowed, made: SpeechMade, person_id: str) -> Utterance:
    """Cloned sound without its watermark, or without a record of where it comes from, is not given."""
    if not made.watermarked:
        raise EngineError("Cloned speech without a watermark is not given.", permanent=True)
    origin = Utterance(
        id=str(uuid4()),
        voice=borrowed.id,
        owner_id=borrowed.owner_id,
        speaker_id=person_id,
        conversation_id="",
        made=made,
    )
    try:
        await lender.opened(origin)
    except LogError as error:
        log.warning("origin_not_recorded", error=type(error).__name__)
        raise EngineUnavailable("Where the cloned speech comes from cannot be recorded now.") from None
    return origin


async def _closed(origin: Utterance, pcm: bytes, complete: bool) -> None:
    try:
        await lender.closed(origin, pcm, complete=complete)
    except LogError as error:  # the record says that it began, and that is enough to find it
        log.warning("origin_not_closed", error=type(error).__name__)


async def _watch(borrowed: Borrowed, person_id: str) -> None:
    try:
        async for _ in lender.stopped(person_id, borrowed):
            borrowed.stop()
    except LogError as error:  # who cannot be asked has not said yes
        log.warning("voice_not_watched", error=type(error).__name__)
        borrowed.stop()
