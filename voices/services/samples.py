"""Taking in a recording: decoded where it can do no harm, measured, trimmed, levelled, understood, stored."""

import hashlib
from typing import BinaryIO
from uuid import UUID, uuid4

import msgspec
from django.utils.translation import gettext_lazy as _

from common import engine
from inference.audio.decode import DecodeLimits, decode
from inference.audio.pcm import from_float
from inference.audio.resample import resample
from inference.client import EngineClient
from inference.errors import AudioRefused
from inference.types import STT_RATE, WIRE_RATE, Transcript
from voices import record, refused_sound, sounds
from voices.access import Actor, owned
from voices.checks import levels, speech, verdict
from voices.errors import Invalid, WrongState
from voices.events import SampleAdded, TranscriptCorrected, stream_of
from voices.models import State, Voice
from voices.sealed import pack_embedding
from voices.services import one_voice, replacing
from voices.services.stopping import tell_stopped
from voices.types import SampleReport

LARGEST_BYTES = 10 * 1024 * 1024
LIMITS = DecodeLimits(max_bytes=LARGEST_BYTES, max_seconds=verdict.LONGEST_S, max_wall_s=15.0)
TRANSCRIPT_LENGTH = 1000
DUE_IN_S = 2.0
"""Whoever is talking with AVATAR goes before whoever has sent a file."""


class Heard(msgspec.Struct, frozen=True):
    """What the engines make of a recording."""

    transcript: Transcript
    embedding: tuple[float, ...]


def add_sample(voice_id: str | UUID, data: bytes | BinaryIO, *, actor: Actor) -> SampleReport:
    """Checks a recording of any usual format and, if it is good enough, makes it what the actor's own voice is spoken
    from; the consent given for the one before ends with that one. Takes one or two seconds.

    Raises `VoiceNotFound`, `WrongState`, `Invalid` (``code="audio"``) for what is no sound of 3 to 30 s, `EngineError`.
    """
    voice = _open_to_samples(owned(actor, voice_id))
    audio, duration_s = _decoded(data)
    found = speech.find(audio)
    level = levels.measure(audio)
    stored = from_float(levels.normalised(speech.trimmed(audio, found)))
    measured = verdict.Measured(
        duration_s, found.speech_s, level.loudness_lufs, level.peak_db, level.clipped, found.snr_db
    )
    if found.speech_s < verdict.LEAST_SPEECH_S:  # too little to ask anybody about
        return verdict.report(measured, verdict.Said("", "", 0.0), wanted=voice.language)
    heard = listen(stored)
    said = verdict.Said(
        heard.transcript.text,
        heard.transcript.language,
        heard.transcript.confidence,
        one_voice=one_voice.alike(tuple(map(embed, one_voice.halves(stored)))),
    )
    sample_id = uuid4().hex
    report = verdict.report(measured, said, wanted=voice.language, sample_id=sample_id)
    if not report.accepted:
        return msgspec.structs.replace(report, sample_id="")
    _keep(voice, sample_id, stored, report, heard, actor)
    return report


def correct_transcript(voice_id: str | UUID, transcript: str, *, actor: Actor) -> None:
    """Puts right what the sample of the actor's own voice says, word by word: engines need it exact.

    Raises `VoiceNotFound`, `WrongState` without a sample, `Invalid`.
    """
    transcript = " ".join(transcript.split())
    if not transcript or len(transcript) > TRANSCRIPT_LENGTH or not transcript.isprintable():
        raise Invalid(_("A transcript has 1 to %(most)s characters."), code="transcript", most=TRANSCRIPT_LENGTH)

    def work() -> None:
        voice = owned(actor, voice_id)
        if not voice.sample_id or voice.state == State.REVOKED:
            raise WrongState(
                _("There is no sample whose words could be put right: record one first."), code="no_sample"
            )
        fact = TranscriptCorrected(sample_id=voice.sample_id, transcript=transcript)
        record.append(stream_of(voice.id), fact, actor=actor, about=voice.sample_id)

    record.write(work)


def listen(pcm: bytes, language: str | None = None) -> Heard:
    """What is said and whose voice it is; pcm: PCM16 mono at `WIRE_RATE`. Raises `EngineError`."""
    heard = resample(pcm, WIRE_RATE, STT_RATE)

    async def work(client: EngineClient) -> Heard:
        # The expected words are not given as a hint: what was not said must not be heard.
        transcript = await client.transcribe(heard, language=language, due_in_s=DUE_IN_S)
        try:
            embedding = await client.embed(heard, due_in_s=DUE_IN_S)
        except AudioRefused:  # There is hardly any speech in it.
            embedding = ()
        return Heard(transcript, embedding)

    return engine.ask(work)


def transcribe(pcm: bytes, language: str) -> Transcript:
    """What is said in PCM16 mono at `WIRE_RATE`, with the times of its words; without a hint. Raises `EngineError`."""
    heard = resample(pcm, WIRE_RATE, STT_RATE)
    return engine.ask(lambda client: client.transcribe(heard, language=language, words=True, due_in_s=DUE_IN_S))


def embed(pcm: bytes) -> tuple[float, ...]:
    """Whose voice it is; nothing where there is hardly any speech. Raises `EngineError`."""
    heard = resample(pcm, WIRE_RATE, STT_RATE)
    try:
        return engine.ask(lambda client: client.embed(heard, due_in_s=DUE_IN_S))
    except AudioRefused:
        return ()


def decoded(data: bytes | BinaryIO, limits: DecodeLimits) -> tuple[levels.Samples, float]:
    """Sound at `WIRE_RATE` and its length in seconds. Raises `Invalid` saying what is wrong with the file."""
    try:
        sound = decode(data, rate=WIRE_RATE, limits=limits)
    except AudioRefused as error:
        raise refused_sound.invalid(error) from error
    return levels.of_pcm(sound.pcm), sound.duration_s


def _decoded(data: bytes | BinaryIO) -> tuple[levels.Samples, float]:
    audio, duration_s = decoded(data, LIMITS)
    if duration_s < verdict.LEAST_SPEECH_S:
        raise Invalid(
            _("The recording lasts %(seconds)s s; %(least)s to %(most)s s are needed: read on for longer."),
            code="audio",
            seconds=f"{duration_s:.1f}",
            least=round(verdict.LEAST_SPEECH_S),
            most=round(verdict.LONGEST_S),
        )
    return audio, duration_s


def _open_to_samples(voice: Voice) -> Voice:
    if voice.state == State.REVOKED:
        raise WrongState(_("This voice was revoked: no other sample can be put in its place."), code="revoked")
    return voice


def _keep(voice: Voice, sample_id: str, pcm: bytes, report: SampleReport, heard: Heard, actor: Actor) -> None:
    """On disk first, then in the record; what the sample before was is erased."""
    audio_id = sounds.save_sample(voice.id, sample_id, pcm)
    fact = SampleAdded(
        sample_id=sample_id,
        audio_id=audio_id,
        digest=hashlib.sha256(pcm).hexdigest(),
        duration_ms=len(pcm) * 500 // WIRE_RATE,
        speech_ms=round(report.speech_s * 1000),
        loudness_lufs=report.loudness_lufs,
        peak_db=report.peak_db,
        clipped=report.clipped,
        snr_db=report.snr_db,
        language=report.language,
        confidence=report.confidence,
        model=heard.transcript.model,
        transcript=report.transcript,
        embedding=pack_embedding(heard.embedding),
    )

    def work() -> replacing.Replaced:
        standing = _open_to_samples(owned(actor, voice.id))
        replaced = replacing.forget_sounds(standing)
        record.append(stream_of(voice.id), fact, actor=actor, about=sample_id)
        return replaced

    try:
        replaced = record.write(work)
    except BaseException:
        record.sounds().delete(audio_id)
        raise
    if replaced.samples:
        tell_stopped(voice.id, "replaced")
    replacing.remove(replaced)
