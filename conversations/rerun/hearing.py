"""What the user said in a recorded turn, heard again by the engines of now."""

import functools
import time
from collections.abc import Sequence

from conversations.events import UserSpoke, UserTranscribed
from conversations.log.eventlog import event_log
from conversations.realtime.attempt import SILENCE_AFTER
from conversations.rerun.fork import recorded_opus
from conversations.rerun.source import Said, Source
from inference.audio.opus import decode_opus
from inference.errors import AudioRefused
from inference.ports import Engines
from inference.types import STT_RATE


async def heard_again(engines: Engines, source: Source, said: Sequence[Said]) -> tuple[list[Said], float | None]:
    """The same utterances with new transcripts where their sound is kept, and how long that took in ms; None: nothing.

    Raises `inference.errors.EngineError`.
    """
    again, took = list(said), None
    for index, one in enumerate(said):
        if not isinstance(one.fact, UserSpoke):
            continue
        sound = functools.partial(recorded_pcm, source.conversation_id, one.fact.audio_id)
        pcm = await event_log().in_files_thread(sound)
        if not pcm:
            continue
        begun = time.monotonic()
        heard = await engines.transcribe(pcm + SILENCE_AFTER, language=source.language or None)
        took = (took or 0.0) + (time.monotonic() - begun) * 1000
        transcript = UserTranscribed(
            item_id=one.item_id,
            text=heard.text,
            language=heard.language,
            confidence=heard.confidence,
            model=heard.model,
        )
        again[index] = Said(one.fact, transcript)
    return again, round(took, 1) if took is not None else None


def recorded_pcm(conversation_id: str, audio_id: str) -> bytes:
    """A recording: PCM16 mono at ``STT_RATE``; empty when there is none. Blocking."""
    try:
        return decode_opus(recorded_opus(conversation_id, audio_id), rate=STT_RATE)
    except AudioRefused:
        return b""


def language_heard(said: list[Said]) -> str:
    """Of the last words; empty where none tell."""
    return next((one.transcript.language for one in reversed(said) if one.transcript is not None), "")
