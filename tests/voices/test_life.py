"""A voice from its making to being usable: who may do what, in which state, and what engines get."""

from typing import Any

import pytest
from django.utils import translation

from conversations.log.models import Event
from inference.types import WIRE_RATE
from tests.voices import making
from voices import selectors, services
from voices.errors import Invalid, NotAllowed, TooMany, VoiceNotFound, VoiceNotUsable, WrongState
from voices.events import stream_of
from voices.models import State, Voice
from voices.services import profiles

pytestmark = pytest.mark.django_db(transaction=True)


def state(voice_id: str) -> str:
    return Voice.objects.get(id=voice_id).state


def test_a_new_voice_is_a_draft_that_speaks_for_nobody(ada: Any) -> None:
    voice_id = making.draft(ada, "  My   voice ")
    (row,) = selectors.own(ada)
    assert (row.id, row.name, row.state, row.cloned, row.measured) == (voice_id, "My voice", "draft", True, False)
    assert selectors.usable_by(ada.pk) == ()
    with pytest.raises(VoiceNotUsable):
        selectors.reference_for(ada.pk, voice_id)


@pytest.mark.parametrize("name", ["", "   ", "x" * 81, "a\x00b", "a\u202eb"])
def test_a_name_is_something_that_can_be_read(ada: Any, name: str) -> None:
    with pytest.raises(Invalid):
        services.create(actor=ada, name=name)


def test_nobody_has_more_voices_than_allowed(ada: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profiles, "VOICES_PER_PERSON", 1)
    making.draft(ada)
    with pytest.raises(TooMany):
        making.draft(ada)


def test_a_sample_alone_is_not_enough(ada: Any) -> None:
    voice_id = making.with_sample(ada)
    assert not selectors.is_usable(ada.pk, voice_id)


def test_with_consent_it_speaks_for_its_owner_with_the_exact_sample(ada: Any, bob: Any) -> None:
    voice_id = making.usable(ada)
    reference = selectors.reference_for(ada.pk, voice_id)
    assert reference.pcm == making.pcm()
    assert (reference.transcript, reference.language) == (making.TRANSCRIPT, "en")
    assert [choice.id for choice in selectors.usable_by(ada.pk)] == [voice_id]
    assert selectors.usable_by(bob.pk) == ()
    for stranger in (bob.pk,):
        with pytest.raises(VoiceNotUsable):
            selectors.reference_for(stranger, voice_id)


def test_what_is_not_a_voice_is_not_usable(ada: Any) -> None:
    assert not selectors.is_usable(ada.pk, "hibari-us")
    with pytest.raises(VoiceNotUsable):
        selectors.reference_for(ada.pk, "hibari-us")


def test_a_corrected_transcript_is_what_engines_get(ada: Any) -> None:
    voice_id = making.usable(ada)
    services.correct_transcript(voice_id, "The garden was  quiet.", actor=ada)
    assert selectors.reference_for(ada.pk, voice_id).transcript == "The garden was quiet."
    sample = selectors.profile(ada, voice_id).sample
    assert sample is not None
    assert sample.corrected


def test_anothers_voice_is_nowhere(ada: Any, bob: Any) -> None:
    voice_id = making.usable(ada)
    for attempt in (
        lambda: selectors.profile(bob, voice_id),
        lambda: selectors.sample_audio(bob, voice_id),
        lambda: selectors.consent_audio(bob, voice_id),
        lambda: services.rename(voice_id, "Mine", actor=bob),
        lambda: services.correct_transcript(voice_id, "Other words", actor=bob),
        lambda: services.ask_consent(voice_id, actor=bob),
        lambda: services.withdraw_consent(voice_id, actor=bob),
        lambda: services.share(voice_id, actor=bob),
        lambda: services.unshare(voice_id, actor=bob),
        lambda: services.rate(voice_id, 5, actor=bob),
        lambda: services.request_preview(voice_id, actor=bob),
        lambda: services.add_sample(voice_id, b"", actor=bob),
        lambda: services.delete(voice_id, actor=bob),
    ):
        with pytest.raises(VoiceNotFound):
            attempt()
    assert state(voice_id) == State.USABLE


def test_a_new_sample_needs_a_new_consent(ada: Any) -> None:
    """Else one could consent with one's own voice and put another's in its place."""
    voice_id = making.usable(ada)
    before = selectors.reference_for(ada.pk, voice_id).id
    after = making.put_sample(ada, voice_id, making.pcm(seed=3))
    assert after != before
    assert not selectors.is_usable(ada.pk, voice_id)


def test_ratings_are_one_a_person_and_the_latest(ada: Any, bob: Any, manager: Any) -> None:
    voice_id = making.shared(ada, manager)
    services.rate(voice_id, 9, actor=ada)
    services.rate(voice_id, 2, actor=bob)
    services.rate(voice_id, 5, actor=bob)
    (row,) = selectors.shared(bob)
    assert (row.rating.mean, row.rating.count, row.rating.own) == (7.0, 2, 5)
    for score in (0, 11, True):
        with pytest.raises(Invalid):
            services.rate(voice_id, score, actor=bob)


def test_listening_to_anothers_sample_is_on_record(ada: Any, bob: Any, manager: Any) -> None:
    voice_id = making.usable(ada)
    with pytest.raises(NotAllowed):
        services.note_listening(voice_id, actor=bob, reason="decision")
    services.note_listening(voice_id, actor=manager, reason="decision")
    assert Event.objects.filter(stream=stream_of(voice_id)).order_by("sequence").last().type == "voice.heard"  # type: ignore[union-attr]
    assert selectors.sample_audio(manager, voice_id).length > 0


def test_the_sample_is_kept_without_loss(ada: Any) -> None:
    voice_id = making.with_sample(ada)
    flac = selectors.sample_audio(ada, voice_id).read()
    assert flac.startswith(b"fLaC")
    assert len(making.pcm()) == int(making.SECONDS * WIRE_RATE) * 2


def test_a_refusal_is_told_in_the_readers_language(ada: Any) -> None:
    with pytest.raises(WrongState) as refused:
        services.ask_consent(making.draft(ada), actor=ada)
    with translation.override("zh-hant"):
        assert str(refused.value) == "請先錄製樣本：同意會與它比對。"
    with translation.override("en"):
        assert str(refused.value) == "Record a sample first: the consent is compared with it."
