"""A sample is one person's throughout, so that nobody consents to a voice that is not theirs."""

from typing import Any

import pytest

from inference.audio.pcm import from_float
from inference.speaker import SAME_SPEAKER, similarity
from tests.voices import making
from tests.voices.speaking import LONG, room, said, wav
from voices import selectors, services
from voices.models import Voice
from voices.services import judging, one_voice, samples

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.models, pytest.mark.usefixtures("engines")]
HER, HIM = "hibari-us", "am_michael"
MORE = "Nobody came by, and the bird went on until the evening fell over the town."


def recording(*voices: str) -> bytes:
    return wav(room(b"".join(said(text, voice) for text, voice in zip((LONG, MORE), voices, strict=True))))


def test_a_sample_of_two_voices_is_not_taken() -> None:
    ada = making.person("ada")
    voice_id = making.draft(ada)
    for voices in ((HER, HIM), (HIM, HER)):
        report = services.add_sample(voice_id, recording(*voices), actor=ada)
        assert [one.code for one in report.advice if one.blocks] == ["two_voices"]
    assert Voice.objects.get(id=voice_id).sample_id == ""
    for voice in (HER, HIM):
        assert services.add_sample(voice_id, recording(voice, voice), actor=ada).accepted


def test_who_reads_has_to_be_in_both_halves_of_the_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sample that came in all the same: the reading is like the whole of it, and does not count."""
    ada = making.person("ada")
    voice_id = making.draft(ada)
    monkeypatch.setattr(one_voice, "HALVES_ALIKE", -1.0)
    assert services.add_sample(voice_id, recording(HER, HIM), actor=ada).accepted
    challenge = services.ask_consent(voice_id, actor=ada)
    read = wav(room(said(challenge.sentence, HER)))
    refused = services.give_consent(voice_id, challenge.id, read, actor=ada)
    assert (refused.accepted, refused.reason) == (False, "other_voice")
    assert refused.similarity is not None
    assert refused.similarity < one_voice.LIKE_A_HALF
    assert not selectors.is_usable(ada.pk, voice_id)
    whole = judging.embeddings_of(Voice.objects.get(id=voice_id)).whole
    audio, _ = samples.decoded(read, samples.LIMITS)
    assert similarity(samples.embed(from_float(audio)), whole) >= SAME_SPEAKER


@pytest.mark.parametrize(("seconds", "count"), [(5.9, 0), (6.0, 2), (12.0, 2)])
def test_only_halves_that_are_long_enough_are_compared(seconds: float, count: int) -> None:
    pcm = making.pcm(seconds)
    found = one_voice.halves(pcm)
    assert len(found) == count
    assert b"".join(found) in {b"", pcm}


def test_a_half_without_speech_is_like_nothing() -> None:
    voice: Any = making.direction()
    assert one_voice.alike(())
    assert one_voice.alike((voice, voice))
    assert not one_voice.alike((voice, ()))
