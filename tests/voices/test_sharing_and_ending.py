"""A voice that is shared, and one that ends: who decides, who is silenced at once, and what is left."""

from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from conversations.log.audio import AudioStore
from conversations.log.errors import AudioMissing
from conversations.log.models import Event
from tests.conversations.log_helpers import stored_bytes
from tests.voices import making
from voices import selectors, services
from voices.errors import NotAllowed, VoiceNotFound, VoiceNotUsable, WrongState
from voices.events import stream_of
from voices.models import State, Voice, VoiceName
from voices.services import ending
from voices.signals import voice_stopped

pytestmark = pytest.mark.django_db(transaction=True)


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


def test_a_consent_renewed_in_time_leaves_the_voice_shared(ada: Any, bob: Any, manager: Any) -> None:
    voice_id = making.shared(ada, manager)
    making.consent(ada, voice_id, scope="shared", days=300)
    assert state(voice_id) == State.APPROVED
    assert selectors.is_usable(bob.pk, voice_id)
    making.consent(ada, voice_id, scope="self")
    assert state(voice_id) == State.USABLE
    assert selectors.is_usable(ada.pk, voice_id)
    assert not selectors.is_usable(bob.pk, voice_id)
