"""Whether what was read are the words of the sentence, in the voice of the sample (docs/adr/0115)."""

from collections.abc import Sequence
from typing import Literal

import msgspec
from django.utils.translation import gettext_lazy as _

from conversations.log.errors import AudioDamaged, AudioMissing
from conversations.log.keys import KeyRing
from inference.speaker import SAME_SPEAKER, similarity
from inference.types import WIRE_RATE, Transcript, Word
from voices import languages, sounds
from voices.consent.heard import row
from voices.errors import WrongState
from voices.events import stream_of
from voices.models import Consent, Sample, Voice
from voices.reading import words_of
from voices.sealed import unpack_embedding
from voices.services.one_voice import LIKE_A_HALF, halves
from voices.services.samples import embed

_AROUND_S = 0.1
WORDS_NEEDED = 5
WORDS_ALONE = 0.6
"""The six words are about 3 s, of which the measure is unsure of people (docs/adr/0111)."""


class OfSample(msgspec.Struct, frozen=True):
    """Embeddings; of a short sample none of its halves."""

    whole: tuple[float, ...]
    halves: tuple[tuple[float, ...], ...]


class Judged(msgspec.Struct, frozen=True):
    reason: Literal["", "wrong_words", "other_voice"]
    words_heard: int
    similarity: float | None


def judge(asked: Consent, transcript: Transcript, pcm: bytes, sample: OfSample) -> Judged:
    """The voice is that of the sentence's words, and of the six alone, which are too short to be as sure of a person.

    Not that of the whole recording: else one could say the words among much found sound of another. And it is that of
    the sample's halves: else the sample could go on in another's voice.
    """
    tongue = languages.checked(asked.language)
    pieces = [word.text for word in transcript.words]
    found = row(asked.words.split(), pieces, tongue)
    if found.words < WORDS_NEEDED:
        return Judged("wrong_words", found.words, None)
    whole = row(list(asked.sentence) if tongue == "zh-TW" else asked.sentence.split(), pieces, tongue)
    sentence, six = (embed(_cut(pcm, [transcript.words[index] for index in one.pieces])) for one in (whole, found))
    near = _likeness(sentence, sample.whole)
    short = [(_likeness(six, sample.whole), WORDS_ALONE)]
    short += [(_likeness(sentence, half), LIKE_A_HALF) for half in sample.halves]
    missed = [figure for figure, needed in short if figure < needed]
    counts = near >= SAME_SPEAKER and not missed
    return Judged("" if counts else "other_voice", found.words, min([near, *missed]))


def _likeness(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    return round(similarity(one, other), 4) if one and other else 0.0


def _cut(pcm: bytes, words: Sequence[Word]) -> bytes:
    """The sound of these words and a moment around each, joined; nothing twice."""
    cut, done = bytearray(), 0
    for word in words:
        begin = max(done, int((word.start_s - _AROUND_S) * WIRE_RATE))
        end = max(begin, int((word.end_s + _AROUND_S) * WIRE_RATE))
        cut += pcm[begin * 2 : end * 2]
        done = end
    return bytes(cut)


def embeddings_of(voice: Voice) -> OfSample:
    """Raises `WrongState` when the sample is gone, `EngineError`."""
    sample = Sample.objects.get(id=voice.sample_id)
    ring = KeyRing.load(stream_of(voice.id), [sample.id])
    words = words_of(sample, ring)
    if words is None or not words.embedding:
        raise _sample_gone()
    try:
        pcm = sounds.load(sample.audio_id, ring)
    except (AudioMissing, AudioDamaged):
        raise _sample_gone() from None
    return OfSample(unpack_embedding(words.embedding), tuple(map(embed, halves(pcm))))


def _sample_gone() -> WrongState:
    return WrongState(_("The sample cannot be compared with any more: record it again."), code="no_sample")
