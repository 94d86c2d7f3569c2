"""Making a preview, in the task cluster."""

import asyncio
import time
from uuid import uuid4

import msgspec
import structlog
from asgiref.sync import sync_to_async
from django.conf import settings
from django.utils import timezone

from common import engine
from common.long_tasks import one_at_a_time
from conversations.log.errors import LogError
from conversations.log.keys import KeyRing
from inference.audio import fingerprint
from inference.audio.resample import resample
from inference.errors import EngineError
from inference.speaker import similarity
from inference.types import STT_RATE, WIRE_RATE, Quality, Reference, SpeechMade
from voices import selectors, sounds
from voices.errors import Refused
from voices.events import stream_of
from voices.models import Preview, PreviewState, Sample, Voice
from voices.reading import words_of
from voices.sealed import unpack_embedding, unseal_text
from voices.services import provenance

log = structlog.get_logger(__name__)
WITHIN_S = 300.0
"""A fine engine may have to be loaded first."""
DUE_IN_S = 5.0
_LETTERS_PER_S = 14.0
_TOLD_EVERY_S = 0.5


class _Made(msgspec.Struct, frozen=True):
    pcm: bytes
    made: SpeechMade
    similarity: float | None


@one_at_a_time
def make(preview_id: str) -> str:
    """What the task cluster calls; called again after a crash, it begins anew. Returns what came of it."""
    row = Preview.objects.filter(id=preview_id).exclude(state__in=(PreviewState.DONE, PreviewState.FAILED)).first()
    if row is None:
        return "nothing to do"
    _set(row, state=PreviewState.RUNNING, progress=0.0)
    try:
        reference = None if row.preset else selectors.reference_for(str(row.owner_id), row.voice_key)
        made = asyncio.run(_spoken(row, reference))
        audio_id = sounds.save(row.voice_key, row.id, made.pcm)
    except (EngineError, Refused, LogError, TimeoutError) as error:
        log.warning("preview_failed", preview=row.id, kind=type(error).__name__)
        _set(row, state=PreviewState.FAILED, error=str(error)[:300] or "It took too long.")
        return "failed"
    kept = _set(
        row,
        state=PreviewState.DONE,
        progress=1.0,
        audio_id=audio_id,
        duration_ms=len(made.pcm) * 500 // WIRE_RATE,
        engine=made.made.engine,
        model=made.made.model,
        cloned=made.made.cloned,
        fallback=made.made.fallback,
        similarity=made.similarity,
    )
    if not kept:  # The voice went away meanwhile, and the preview with it.
        sounds.remove(audio_id)
        return "withdrawn"
    return "done"


async def _spoken(row: Preview, reference: Reference | None) -> _Made:
    text, sample = await sync_to_async(_read)(row)
    async with (
        asyncio.timeout(WITHIN_S),
        engine.client() as client,
    ):
        voice = row.preset or settings.INFERENCE.tts_voice
        quality: Quality = "fine" if row.quality == "fine" else "fast"
        async with client.speech(
            text, voice=voice, language=row.language, due_in_s=DUE_IN_S, reference=reference, quality=quality
        ) as speech:
            opening = await _opened(row, speech.made) if speech.made.cloned else None
            pcm = bytearray()
            told = time.monotonic()
            async for piece in speech:
                pcm += piece
                if time.monotonic() - told > _TOLD_EVERY_S:
                    told = time.monotonic()
                    done = len(pcm) / 2 / WIRE_RATE * _LETTERS_PER_S / len(text)
                    await sync_to_async(_set)(row, progress=min(0.95, round(done, 2)))
        if opening is not None:
            await provenance.aclosed(
                opening,
                duration_ms=len(pcm) * 500 // WIRE_RATE,
                watermarked=speech.made.watermarked,
                fingerprint=await asyncio.to_thread(fingerprint.compute, bytes(pcm)),
            )
        near = None
        if speech.made.cloned and sample:
            heard = resample(bytes(pcm), WIRE_RATE, STT_RATE)
            near = round(similarity(await client.embed(heard, due_in_s=DUE_IN_S), sample), 4)
        return _Made(bytes(pcm), speech.made, near)


async def _opened(row: Preview, made: SpeechMade) -> provenance.Opening:
    opening = provenance.Opening(
        utterance_id=uuid4().hex,
        voice=str(row.voice_key),
        owner_id=await sync_to_async(_owner_of)(row),
        speaker_id=str(row.owner_id),
        engine=made.engine,
        model=made.model,
        quality=made.quality,
        door="preview",
    )
    await provenance.aopened(opening)
    return opening


def _owner_of(row: Preview) -> str:
    return str(Voice.objects.values_list("owner_id", flat=True).get(id=row.voice_key))


def _read(row: Preview) -> tuple[str, tuple[float, ...]]:
    """What is to be said, and what the sample's voice is like."""
    voice = Voice.objects.filter(id=row.voice_key).first()
    sample = Sample.objects.filter(id=voice.sample_id).first() if voice is not None else None
    ring = KeyRing.load(stream_of(row.voice_key), [row.id, *([sample.id] if sample is not None else [])])
    words = words_of(sample, ring) if sample is not None else None
    return unseal_text(row, ring), unpack_embedding(words.embedding) if words is not None else ()


def _set(row: Preview, **values: object) -> bool:
    """Changes these fields alone; False when the preview is gone."""
    return bool(Preview.objects.filter(id=row.id).update(**values, updated_at=timezone.now()))
