"""A sample taken in, and a consent that counts only when the right words are read by the same voice, in time, once."""

import json
import random
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from conversations.log.models import Event
from inference.types import WIRE_RATE
from tests.voices import making
from tests.voices.speaking import LONG, room, said, wav
from voices import selectors, services, sounds
from voices.checks import levels, speech
from voices.consent import sentence
from voices.errors import Invalid, TooMany, VoiceNotFound, WrongState
from voices.events import stream_of
from voices.models import Consent, State, Voice
from voices.services import consent as consent_service
from voices.services import samples
from voices.types import Challenge

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.models, pytest.mark.usefixtures("engines")]
HER, HIM = "hibari-us", "am_michael"


@pytest.fixture(autouse=True)
def the_same_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same sentences in every run: what is tested is what is made of them."""
    monkeypatch.setattr(sentence, "_random", random.Random(4))


def sampled(owner: Any, voice: str = HER, text: str = LONG) -> str:
    voice_id = making.draft(owner)
    report = services.add_sample(voice_id, wav(room(said(text, voice))), actor=owner)
    assert report.accepted, report.advice
    return voice_id


def read(challenge: Challenge, voice: str = HER, text: str = "") -> bytes:
    # Calmly: the embedded Whisper loses the end of hasty Mandarin.
    speed = 0.8 if challenge.language == "zh-TW" else 1.0
    return wav(room(said(text or challenge.sentence, voice, challenge.language, speed)))


def test_a_sample_is_measured_understood_trimmed_and_levelled() -> None:
    ada = making.person("ada")
    voice_id = making.draft(ada)
    recording = room(said(LONG, HER), before_s=1.5, after_s=1.5)
    report = services.add_sample(voice_id, wav(recording), actor=ada)
    assert report.accepted
    assert report.duration_s == pytest.approx(len(recording) / 2 / WIRE_RATE, abs=0.01)
    assert 4.0 < report.speech_s < report.duration_s - 2.5
    assert report.transcript.startswith("The garden behind the old house")
    assert (report.language, report.clipped) == ("en", 0.0)
    assert report.snr_db > 30
    assert -30 < report.loudness_lufs < -15
    pcm = sounds.decode_flac(selectors.sample_audio(ada, voice_id).read())
    assert len(pcm) / 2 / WIRE_RATE < report.duration_s - 2.3
    assert levels.measure(levels.of_pcm(pcm)).loudness_lufs == pytest.approx(levels.TARGET_LUFS, abs=0.3)
    stored = Voice.objects.get(id=voice_id).samples.get()
    assert stored.digest
    assert b"garden" not in bytes(stored.sealed or b"")


def test_a_long_sample_is_cut_at_a_pause_with_the_words_that_are_heard() -> None:
    ada = making.person("ada")
    first = said(LONG, HER)
    pause = bytes(int(0.8 * WIRE_RATE) * 2)
    second = said("Nobody came by that day, and so the bird went on until the evening fell over the quiet town.", HER)
    voice_id = making.draft(ada)
    report = services.add_sample(voice_id, wav(room(first + pause + second + pause + first)), actor=ada)
    pcm = sounds.decode_flac(selectors.sample_audio(ada, voice_id).read())
    seconds = len(pcm) / 2 / WIRE_RATE
    assert 6.0 < seconds <= speech.REFERENCE_S + 0.2
    heard = transcript_of(pcm)
    assert report.transcript == heard


def transcript_of(pcm: bytes) -> str:
    return samples.listen(pcm).transcript.text


def test_noise_and_too_little_speech_are_reported_and_not_taken() -> None:
    ada = making.person("ada")
    voice_id = making.draft(ada)
    drowned = services.add_sample(voice_id, wav(room(said(LONG, HER), level=0.15)), actor=ada)
    assert not drowned.accepted
    assert {one.code for one in drowned.advice if one.blocks} & {"drowned", "too_short", "no_words"}
    short = services.add_sample(voice_id, wav(room(said("Hello there.", HER), before_s=2.0, after_s=2.0)), actor=ada)
    assert [one.code for one in short.advice if one.blocks] == ["too_short"]
    assert Voice.objects.get(id=voice_id).sample_id == ""
    with pytest.raises(Invalid, match="3 to 30 s"):
        services.add_sample(voice_id, wav(room(said("Hello.", HER))), actor=ada)


def test_the_same_voice_reading_the_words_makes_it_usable() -> None:
    ada = making.person("ada")
    voice_id = sampled(ada)
    challenge = services.ask_consent(voice_id, actor=ada, scope="shared", days=30)
    assert len(challenge.words) == 6
    assert all(word in challenge.sentence for word in challenge.words)
    assert selectors.profile(ada, voice_id).challenge == challenge
    verdict = services.give_consent(voice_id, challenge.id, read(challenge), actor=ada)
    assert verdict.accepted, verdict
    assert verdict.words_heard >= 5
    assert verdict.similarity is not None
    assert verdict.similarity >= 0.75
    assert selectors.is_usable(ada.pk, voice_id)
    standing = selectors.profile(ada, voice_id).consent
    assert standing is not None
    assert standing.until - timezone.now() < timedelta(days=30)
    assert selectors.consent_audio(ada, voice_id).read().startswith(b"OggS")
    with pytest.raises(WrongState):
        services.give_consent(voice_id, challenge.id, read(challenge), actor=ada)


def test_wrong_words_do_not_count_and_use_the_sentence_up() -> None:
    ada = making.person("ada")
    voice_id = sampled(ada)
    challenge = services.ask_consent(voice_id, actor=ada)
    refused = services.give_consent(voice_id, challenge.id, read(challenge, text=LONG), actor=ada)
    assert (refused.accepted, refused.reason) == (False, "wrong_words")
    assert refused.words_heard < 5
    assert not selectors.is_usable(ada.pk, voice_id)
    with pytest.raises(WrongState):
        services.give_consent(voice_id, challenge.id, read(challenge), actor=ada)


def test_the_words_in_another_order_do_not_count() -> None:
    ada = making.person("ada")
    voice_id = sampled(ada)
    challenge = services.ask_consent(voice_id, actor=ada)
    backwards = "My words are: " + ", ".join(reversed(challenge.words)) + "."
    refused = services.give_consent(voice_id, challenge.id, read(challenge, text=backwards), actor=ada)
    assert refused.reason == "wrong_words"


def test_another_voice_does_not_count() -> None:
    ada = making.person("ada")
    voice_id = sampled(ada)
    challenge = services.ask_consent(voice_id, actor=ada)
    refused = services.give_consent(voice_id, challenge.id, read(challenge, HIM), actor=ada)
    assert (refused.accepted, refused.reason) == (False, "other_voice")
    assert refused.words_heard >= 5
    assert refused.similarity is not None
    assert refused.similarity < 0.75
    assert Consent.objects.get(id=challenge.id).state == "refused"


def test_after_two_minutes_it_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    ada = making.person("ada")
    voice_id = sampled(ada)
    challenge = services.ask_consent(voice_id, actor=ada)
    assert timedelta(seconds=118) < challenge.expires_at - timezone.now() <= timedelta(seconds=120)
    late = challenge.expires_at + timedelta(seconds=1)
    refused = services.give_consent(voice_id, challenge.id, read(challenge), actor=ada, received_at=late)
    assert refused.reason == "expired"
    assert not selectors.is_usable(ada.pk, voice_id)


def test_only_the_latest_sentence_of_the_present_sample_counts() -> None:
    ada, bob = making.person("ada"), making.person("bob")
    voice_id = sampled(ada)
    first = services.ask_consent(voice_id, actor=ada)
    second = services.ask_consent(voice_id, actor=ada)
    with pytest.raises(WrongState):
        services.give_consent(voice_id, first.id, read(first), actor=ada)
    with pytest.raises(VoiceNotFound):
        services.give_consent(voice_id, second.id, read(second), actor=bob)
    services.add_sample(voice_id, wav(room(said(LONG, HER, "en", 0.9))), actor=ada)
    with pytest.raises(WrongState):
        services.give_consent(voice_id, second.id, read(second), actor=ada)
    assert not selectors.is_usable(ada.pk, voice_id)


def test_what_is_no_sound_leaves_the_sentence_open() -> None:
    ada = making.person("ada")
    voice_id = sampled(ada)
    challenge = services.ask_consent(voice_id, actor=ada)
    with pytest.raises(Invalid):
        services.give_consent(voice_id, challenge.id, b"no sound", actor=ada)
    assert services.give_consent(voice_id, challenge.id, read(challenge), actor=ada).accepted


def test_a_consent_in_mandarin() -> None:
    ada = making.person("ada")
    voice_id = making.draft(ada, language="zh-TW")
    text = "今天早上的公園非常安靜，一隻小鳥站在樹上唱歌，老爺爺坐在長椅上看報紙，天氣真的很好。"
    report = services.add_sample(voice_id, wav(room(said(text, "zf_xiaobei", "zh-TW"))), actor=ada)
    assert report.accepted, report
    challenge = services.ask_consent(voice_id, actor=ada)
    verdict = services.give_consent(voice_id, challenge.id, read(challenge, "zf_xiaobei"), actor=ada)
    assert verdict.accepted, (challenge, verdict)


def test_a_consent_without_a_sample_is_not_asked_for() -> None:
    ada = making.person("ada")
    with pytest.raises(WrongState):
        services.ask_consent(making.draft(ada), actor=ada)
    voice_id = making.with_sample(ada)
    for wrong in ({"days": 0}, {"days": 5000}, {"scope": "all"}, {"language": "fr"}):
        with pytest.raises(Invalid):
            services.ask_consent(voice_id, actor=ada, **wrong)


def test_two_recordings_at_once_count_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second was judged beside the first, and finds the sentence used up when it is to be written down."""
    ada = making.person("ada")
    voice_id = sampled(ada)
    challenge = services.ask_consent(voice_id, actor=ada)
    recording = read(challenge)
    transcribe = samples.transcribe

    def meanwhile(pcm: bytes, language: str) -> Any:
        monkeypatch.setattr(consent_service, "transcribe", transcribe)
        assert services.give_consent(voice_id, challenge.id, recording, actor=ada).accepted
        return transcribe(pcm, language)

    monkeypatch.setattr(consent_service, "transcribe", meanwhile)
    with pytest.raises(WrongState):
        services.give_consent(voice_id, challenge.id, recording, actor=ada)
    given = Event.objects.filter(stream=stream_of(voice_id), type="voice.consent_given")
    assert given.count() == 1


def test_the_record_tells_no_words_of_what_was_read() -> None:
    ada = making.person("ada")
    voice_id = sampled(ada)
    challenge = services.ask_consent(voice_id, actor=ada)
    services.give_consent(voice_id, challenge.id, read(challenge), actor=ada)
    for payload in Event.objects.filter(stream=stream_of(voice_id)).values_list("payload", flat=True):
        stored = json.loads(payload)
        assert "transcript" not in stored
        assert "embedding" not in stored
    assert Voice.objects.get(id=voice_id).state == State.USABLE


def test_words_of_another_among_much_of_the_right_voice_do_not_count() -> None:
    ada = making.person("ada")
    voice_id = sampled(ada)
    challenge = services.ask_consent(voice_id, actor=ada)
    words = said("My words are: " + ", ".join(challenge.words) + ".", HIM)
    spliced = said(LONG, HER) + said(LONG, HER, "en", 0.9) + words
    refused = services.give_consent(voice_id, challenge.id, wav(room(spliced)), actor=ada)
    assert refused.reason == "other_voice", refused


def test_nobody_asks_for_sentences_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    ada = making.person("ada")
    voice_id = making.with_sample(ada)
    monkeypatch.setattr(consent_service, "SENTENCES_AN_HOUR", 2)
    for _ in range(2):
        services.ask_consent(voice_id, actor=ada)
    with pytest.raises(TooMany):
        services.ask_consent(voice_id, actor=ada)
