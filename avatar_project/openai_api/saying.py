"""One text spoken for a program: who speaks, then the sound."""

from collections.abc import AsyncGenerator

from avatar_project.openai_api.voices import Chosen
from conversations.engines import engines
from inference.types import Quality, SpeechMade

DUE_IN_S = 0.5
"""A conversation's first sentence goes before a program's."""


async def said(
    text: str, voice: Chosen, *, person_id: str, language: str, speed: float, quality: Quality
) -> AsyncGenerator[bytes | SpeechMade]:
    """First `SpeechMade`, then PCM16 mono at WIRE_RATE as it comes; closing it stops the synthesis."""
    async with engines().speech(
        text,
        voice=voice.name,
        language=language or (voice.reference.language if voice.reference else ""),
        speed=speed,
        due_in_s=DUE_IN_S,
        reference=voice.reference,
        quality=quality,
    ) as answer:
        yield answer.made
        async for pcm in answer:
            yield pcm
