"""What the numbers mean for somebody who wants a voice made of a recording, and what to do about them."""

from collections.abc import Iterator
from datetime import datetime

import msgspec
from django.utils.translation import gettext_lazy as _

from voices.languages import same
from voices.types import Advice, SampleReport

LEAST_SPEECH_S = 3.0
LONGEST_S = 30.0
GOOD_SPEECH_S = 6.0
"""Cloning engines gain until about here."""
QUIET_LUFS, LOUD_LUFS = -40.0, -9.0
CLIPPED, RUINED = 0.0005, 0.02
"""Shares of samples at full scale: to be heard, and beyond repair."""
NOISY_DB, DROWNED_DB = 20.0, 8.0
UNSURE = 0.5


class Measured(msgspec.Struct, frozen=True):
    """Of the recording as it came."""

    duration_s: float
    speech_s: float
    loudness_lufs: float
    peak_db: float
    clipped: float
    snr_db: float


class Said(msgspec.Struct, frozen=True):
    transcript: str
    language: str
    confidence: float
    corrected: bool = False
    one_voice: bool = True


def report(
    measured: Measured, said: Said, *, wanted: str, sample_id: str = "", added_at: datetime | None = None
) -> SampleReport:
    """``wanted``: the language that the voice is meant to speak. Accepted when nothing of the advice blocks."""
    advice = (*_of_sound(measured), *_of_words(measured, said, wanted))
    return SampleReport(
        accepted=not any(one.blocks for one in advice),
        sample_id=sample_id,
        duration_s=round(measured.duration_s, 2),
        speech_s=measured.speech_s,
        loudness_lufs=measured.loudness_lufs,
        peak_db=measured.peak_db,
        clipped=measured.clipped,
        snr_db=measured.snr_db,
        language=said.language,
        confidence=round(said.confidence, 3),
        transcript=said.transcript,
        corrected=said.corrected,
        advice=advice,
        added_at=added_at,
    )


def _of_sound(measured: Measured) -> Iterator[Advice]:
    if measured.speech_s < LEAST_SPEECH_S:
        few = _("There is too little speech: at least 3 seconds are needed. Read on for longer.")
        yield Advice("too_short", few, blocks=True)
    elif measured.speech_s < GOOD_SPEECH_S:
        yield Advice("short", _("6 to 12 seconds of speech make a better voice: record a little more."))
    if measured.clipped >= RUINED:
        beyond = _("It is overdriven throughout: turn the microphone down and record again.")
        yield Advice("ruined", beyond, blocks=True)
    elif measured.clipped >= CLIPPED:
        yield Advice("clipped", _("Loud moments are overdriven: turn the microphone down, or move away from it."))
    if measured.loudness_lufs <= QUIET_LUFS:
        yield Advice("quiet", _("It is very quiet: move nearer to the microphone, or turn it up."))
    elif measured.loudness_lufs >= LOUD_LUFS:
        yield Advice("loud", _("It is very loud: turn the microphone down."))
    if measured.speech_s > 0 and measured.snr_db < DROWNED_DB:
        yield Advice("drowned", _("The noise is nearly as loud as the speech: record in a quiet room."), blocks=True)
    elif measured.speech_s > 0 and measured.snr_db < NOISY_DB:
        yield Advice("noisy", _("There is noise behind the speech: a quieter room makes a better voice."))


def _of_words(measured: Measured, said: Said, wanted: str) -> Iterator[Advice]:
    if not said.transcript:
        if measured.speech_s >= LEAST_SPEECH_S:
            yield Advice("no_words", _("No words were understood: speak clearly, in one language."), blocks=True)
        return
    if not said.one_voice:
        two = _("It does not sound like one voice throughout: record one person alone.")
        yield Advice("two_voices", two, blocks=True)
    if said.language and wanted and not same(said.language, wanted):
        yield Advice("other_language", _("It does not sound like the language that the voice is meant for."))
    if said.confidence < UNSURE and not said.corrected:
        yield Advice("check_words", _("The words were hard to understand: compare the transcript word by word."))
