"""A voice from its making to its end: who may do what, in which state, and what is left."""

from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.utils import translation

from conversations.log.audio import AudioStore
from conversations.log.errors import AudioMissing
from conversations.log.models import Event
from inference.types import WIRE_RATE
from tests.conversations.log_helpers import stored_bytes
from tests.voices import making
from voices import selectors, services
from voices.errors import Invalid, NotAllowed, TooMany, VoiceNotFound, VoiceNotUsable, WrongState
from voices.events import stream_of
from voices.models import State, Voice, VoiceName
from voices.services import ending, profiles
from voices.signals import voice_stopped

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ada() -> Any:
    return making.person("ada")


@pytest.fixture
def bob() -> Any:
    return making.person("bob")


@pytest.fixture
def manager() -> Any:
    return making.person("mia", "approve_voice", "revoke_voice", "view_voice", "listen_voice")


@pytest.fixture
def stopped() -> Any:
    """What was told to fall silent: voice and reason."""
    told: list[tuple[str, str]] = []

    def hear(voice_id: str, reason: str, **_: Any) -> None:
        told.append((voice_id, reason))

    voice_stopped.connect(hear)
    yield told
    voice_stopped.disconnect(hear)


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


def test_sharing_waits_for_a_manager(ada: Any, bob: Any, manager: Any) -> None:
    voice_id = making.usable(ada)
    services.share(voice_id, actor=ada)
    assert state(voice_id) == State.WAITING
    assert selectors.is_usable(ada.pk, voice_id)
    assert not selectors.is_usable(bob.pk, voice_id)
    with pytest.raises(NotAllowed):
        services.approve(voice_id, actor=ada)
    (waiting,) = selectors.waiting(manager)
    assert waiting.id == voice_id
    services.approve(voice_id, actor=manager)
    assert selectors.reference_for(bob.pk, voice_id).pcm == making.pcm()
    assert [row.id for row in selectors.shared(bob)] == [voice_id]


def test_a_rejected_voice_stays_its_owners_who_reads_why(ada: Any, bob: Any, manager: Any) -> None:
    voice_id = making.usable(ada)
    services.share(voice_id, actor=ada)
    services.reject(voice_id, actor=manager, reason="quality", note="There is a fan in it.")
    decision = selectors.profile(ada, voice_id).decision
    assert decision is not None
    assert (decision.reason, decision.note) == ("quality", "There is a fan in it.")
    assert selectors.is_usable(ada.pk, voice_id)
    assert not selectors.is_usable(bob.pk, voice_id)
    with pytest.raises(WrongState):
        services.approve(voice_id, actor=manager)


def test_a_consent_for_oneself_shares_nothing(ada: Any) -> None:
    voice_id = making.usable(ada, scope="self")
    with pytest.raises(WrongState):
        services.share(voice_id, actor=ada)


def test_taking_it_back_silences_it_for_others_alone(ada: Any, bob: Any, manager: Any, stopped: Any) -> None:
    voice_id = making.shared(ada, manager)
    services.unshare(voice_id, actor=ada)
    assert not selectors.is_usable(bob.pk, voice_id)
    assert selectors.is_usable(ada.pk, voice_id)
    assert stopped == [(voice_id, "unshared")]


def test_revoking_silences_it_for_everybody(ada: Any, bob: Any, manager: Any, stopped: Any) -> None:
    voice_id = making.shared(ada, manager)
    with pytest.raises(NotAllowed):
        services.revoke(voice_id, actor=bob, reason="abuse")
    services.revoke(voice_id, actor=manager, reason="abuse", note="Somebody complained.")
    assert not selectors.is_usable(ada.pk, voice_id)
    assert not selectors.is_usable(bob.pk, voice_id)
    assert stopped == [(voice_id, "abuse")]
    for attempt in (
        lambda: services.share(voice_id, actor=ada),
        lambda: services.ask_consent(voice_id, actor=ada),
        lambda: services.add_sample(voice_id, b"RIFF", actor=ada),
        lambda: services.correct_transcript(voice_id, "Words", actor=ada),
    ):
        with pytest.raises(WrongState):
            attempt()


def test_withdrawing_erases_the_sounds_and_leaves_the_draft(ada: Any, stopped: Any) -> None:
    voice_id = making.usable(ada)
    voice = Voice.objects.get(id=voice_id)
    sample_audio = voice.samples.get().audio_id
    store = AudioStore(settings.DATA_DIR / "audio")
    assert sample_audio in {audio_id for audio_id, _, _ in store.files()}
    services.withdraw_consent(voice_id, actor=ada)
    assert stopped == [(voice_id, "withdrawn")]
    assert sample_audio not in {audio_id for audio_id, _, _ in store.files()}
    assert state(voice_id) == State.DRAFT
    with pytest.raises(AudioMissing):
        selectors.sample_audio(ada, voice_id)
    with pytest.raises(VoiceNotUsable):
        selectors.reference_for(ada.pk, voice_id)
    assert selectors.profile(ada, voice_id).consent is None
    # A new sample and a new consent bring it back.
    making.put_sample(ada, voice_id, making.pcm(seed=2))
    making.consent(ada, voice_id)
    assert selectors.reference_for(ada.pk, voice_id).pcm == making.pcm(seed=2)


def test_a_new_sample_needs_a_new_consent(ada: Any) -> None:
    """Else one could consent with one's own voice and put another's in its place."""
    voice_id = making.usable(ada)
    before = selectors.reference_for(ada.pk, voice_id).id
    after = making.put_sample(ada, voice_id, making.pcm(seed=3))
    assert after != before
    assert not selectors.is_usable(ada.pk, voice_id)


def test_a_consent_ends_by_itself(ada: Any, stopped: Any) -> None:
    over = making.usable(ada, "Over", days=-1)
    holds = making.usable(ada, "Holds")
    assert not selectors.is_usable(ada.pk, over), "at once, whether or not the clock has come round"
    assert ending.end_consents() == 1
    assert stopped == [(over, "withdrawn")]
    assert (state(over), state(holds)) == (State.DRAFT, State.USABLE)
    assert ending.end_consents() == 0


def test_deleting_leaves_a_tombstone_and_nothing_to_hear_or_read(ada: Any) -> None:
    store = AudioStore(settings.DATA_DIR / "audio")
    before = {audio_id for audio_id, _, _ in store.files()}
    voice_id = making.usable(ada, "Unmistakable name")
    services.delete(voice_id, actor=ada)
    assert selectors.own(ada) == ()
    with pytest.raises(VoiceNotFound):
        selectors.profile(ada, voice_id)
    with pytest.raises(VoiceNotFound):
        services.delete(voice_id, actor=ada)
    assert {audio_id for audio_id, _, _ in store.files()} == before
    assert not VoiceName.objects.exists()
    events = Event.objects.filter(stream=stream_of(voice_id)).order_by("sequence")
    assert events.last().type == "voice.deleted"  # type: ignore[union-attr]
    if connection.vendor == "sqlite":  # PostgreSQL keeps deleted rows until it is purged.
        assert b"Unmistakable name" not in stored_bytes()
    assert making.TRANSCRIPT.encode() not in stored_bytes()


def test_a_blocked_persons_voices_fall_silent_and_come_back(ada: Any, bob: Any, manager: Any, stopped: Any) -> None:
    voice_id = making.shared(ada, manager)
    type(ada).objects.filter(pk=ada.pk).update(is_active=False)
    services.stop_all_of(ada.pk, reason="blocked")
    assert stopped == [(voice_id, "blocked")]
    assert not selectors.is_usable(bob.pk, voice_id)
    type(ada).objects.filter(pk=ada.pk).update(is_active=True)
    assert selectors.is_usable(bob.pk, voice_id)


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


def test_a_consent_renewed_in_time_leaves_the_voice_shared(ada: Any, bob: Any, manager: Any) -> None:
    voice_id = making.shared(ada, manager)
    making.consent(ada, voice_id, scope="shared", days=300)
    assert state(voice_id) == State.APPROVED
    assert selectors.is_usable(bob.pk, voice_id)
    making.consent(ada, voice_id, scope="self")
    assert state(voice_id) == State.USABLE
    assert selectors.is_usable(ada.pk, voice_id)
    assert not selectors.is_usable(bob.pk, voice_id)
