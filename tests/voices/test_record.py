"""The read models of voices are the log's: rebuilt, compared, swept and erased with it."""

import time
from io import StringIO
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.utils import timezone

from conversations.feed.page import read_page, view_of
from conversations.keeping import sweeping
from conversations.log.audio import AudioStore
from conversations.log.models import Key
from conversations.people_events import PersonErased
from conversations.services import erasure, people
from tests.conversations.log_helpers import execute, triggers_off
from tests.voices import making
from voices import selectors, services, sounds
from voices.events import stream_of
from voices.models import Consent, Preview, Rating, Sample, State, Utterance, Voice, VoiceName
from voices.projections import rebuild
from voices.services import provenance

pytestmark = pytest.mark.django_db(transaction=True)


def store() -> AudioStore:
    return AudioStore(settings.DATA_DIR / "audio")


def lived(name: str) -> tuple[Any, str]:
    """A person whose voice has been through most of what can happen."""
    owner = making.person(name)
    manager = making.person(f"{name}-manager", "approve_voice", "revoke_voice", "listen_voice")
    voice_id = making.shared(owner, manager)
    services.correct_transcript(voice_id, "Other words.", actor=owner)
    services.rate(voice_id, 3, actor=owner)
    services.rate(voice_id, 8, actor=manager)
    services.note_listening(voice_id, actor=manager, reason="decision")
    opening = provenance.Opening(
        utterance_id=f"{name}-1", voice=voice_id, owner_id=str(owner.pk), speaker_id=str(manager.pk), engine="f5"
    )
    provenance.opened(opening)
    provenance.closed(opening, duration_ms=900, watermarked=True, fingerprint="abc")
    return owner, voice_id


def test_rows_are_remade_equal() -> None:
    _, voice_id = lived("ada")
    assert [found for stream in rebuild.streams() for found in rebuild.differences(stream)] == []
    reference = selectors.reference_for(making.person("bob").pk, voice_id)
    Sample.objects.update(sealed=None, speech_ms=1)
    Rating.objects.all().delete()
    Voice.objects.update(state=State.REVOKED)
    Utterance.objects.all().delete()
    with pytest.raises(CommandError):
        call_command("rebuild_projections", check=True, stdout=StringIO(), stderr=StringIO())
    call_command("rebuild_projections", stdout=StringIO(), stderr=StringIO())
    out = StringIO()
    call_command("rebuild_projections", check=True, stdout=out)
    assert "2 voices and their utterances: equal to the log." in out.getvalue()
    assert selectors.reference_for(making.person("eve").pk, voice_id) == reference
    assert VoiceName.objects.get(voice_id=voice_id).name == "Ada"


def test_a_row_without_a_stream_goes() -> None:
    making.usable(making.person("ada"))
    Voice.objects.create(
        id="00000000-0000-4000-8000-000000000001", sequence=1, created_at=timezone.now(), updated_at=timezone.now()
    )
    call_command("rebuild_projections", stdout=StringIO(), stderr=StringIO())
    assert Voice.objects.count() == 1


def test_a_voice_whose_log_is_damaged_stays_as_it_is_and_the_others_are_made() -> None:
    _, damaged = lived("ada")
    _, other = lived("bob")
    with triggers_off():
        execute("UPDATE log_event SET payload = '{}' WHERE stream = %s AND sequence = 3", stream_of(damaged))
    Voice.objects.update(state=State.REVOKED)
    err = StringIO()
    for arguments, refusal in (({"check": True}, "differ from the log"), ({}, "could not be rebuilt")):
        with pytest.raises(CommandError, match=refusal):
            call_command("rebuild_projections", stdout=StringIO(), stderr=err, **arguments)
    assert f"voice {damaged}: the log itself is damaged" in err.getvalue()
    assert Voice.objects.get(id=damaged).state == State.REVOKED
    assert Voice.objects.get(id=other).state == State.APPROVED


def test_the_chain_of_a_deleted_voice_holds() -> None:
    owner, voice_id = lived("ada")
    services.delete(voice_id, actor=owner)
    out = StringIO()
    call_command("verify_chain", stdout=out)
    assert "all chains hold" in out.getvalue()
    assert [found for stream in rebuild.streams() for found in rebuild.differences(stream)] == []


def test_the_sweeper_keeps_what_is_named_and_takes_what_a_crash_left() -> None:
    owner, voice_id = lived("ada")
    named = rebuild.named_sounds(stream_of(voice_id))
    assert len(named) == 2
    left = sounds.save(Voice.objects.get(id=voice_id).id, "nobody", making.pcm(1.0))
    sweeping.sweep(now=time.time() + 2 * sweeping.GRACE_S)
    there = {audio_id for audio_id, _, _ in store().files()}
    assert named <= there
    assert left not in there
    assert selectors.sample_audio(owner, voice_id).read().startswith(b"fLaC")


def test_an_erased_persons_voices_are_erased_and_their_keys() -> None:
    owner, voice_id = lived("ada")
    named = rebuild.named_sounds(stream_of(voice_id))
    erasure.erase_person(owner.pk, actor=owner, reason="request")
    assert Voice.objects.get(id=voice_id).state == State.DELETED
    assert not named & {audio_id for audio_id, _, _ in store().files()}
    assert not VoiceName.objects.exists()
    assert not Key.objects.filter(stream=stream_of(voice_id), wrapped__isnull=False).exists()
    assert PersonErased.type in [event.type for event in _person_events(owner)]
    assert not Consent.objects.exclude(audio_id="").exists()


def _person_events(owner: Any) -> Any:
    from conversations.log.models import Event

    return Event.objects.filter(stream=f"person-{owner.pk}")


def test_blocking_a_person_stops_their_voices() -> None:
    owner, voice_id = lived("ada")
    moderator = making.person("mod", "block_person")
    listener = making.person("bob")
    assert selectors.is_usable(listener.pk, voice_id)
    people.block(owner.pk, actor=moderator, reason="abuse")
    assert not selectors.is_usable(listener.pk, voice_id)


def test_an_utterance_is_recorded_once_however_often_it_is_told() -> None:
    owner = making.person("ada")
    opening = provenance.Opening(
        utterance_id="u1",
        voice=provenance.SELF,
        owner_id=str(owner.pk),
        speaker_id=str(owner.pk),
        engine="f5",
        conversation_id="c1",
    )
    for _ in range(2):
        provenance.opened(opening)
    assert Utterance.objects.get().closed_at is None
    for _ in range(2):
        provenance.closed(opening, duration_ms=10, watermarked=True, fingerprint="f")
    row = Utterance.objects.get()
    assert (row.source, row.voice, row.watermarked, row.fingerprint) == ("c1", "self", True, "f")
    with pytest.raises(ValueError, match="conversation"):
        provenance.opened(provenance.Opening("u2", provenance.SELF, "o", "s", "f5"))


def test_nobody_sees_provenance_without_the_permission() -> None:
    from voices.errors import NotAllowed

    lived("ada")
    with pytest.raises(NotAllowed):
        selectors.utterances(making.person("bob"))
    (row,) = selectors.utterances(making.person("aud", "view_utterance"))
    assert row.id == "ada-1"


def test_the_feed_tells_what_happened_to_a_voice_and_nothing_that_is_sealed_of_it() -> None:
    lived("ada")
    follower = making.person("dashboard", "read_feed", "read_words")
    page = read_page(view_of(follower, everything=True), 0, limit=500)
    voices = {event.type: event for event in page.events if event.stream.startswith("voice-")}
    assert {"voice.created", "voice.sample_added", "voice.consent_given", "voice.approved"} <= voices.keys()
    added = voices["voice.sample_added"]
    assert (added.words, "transcript" in added.payload, "embedding" in added.payload) == ("withheld", False, False)
    assert added.payload["speech_ms"] == 3500


def test_an_erased_persons_previews_of_others_voices_go_too() -> None:
    _, voice_id = lived("ada")
    bob = making.person("bob")
    preview = services.request_preview(voice_id, actor=bob, text="Something of mine.")
    audio_id = sounds.save(Voice.objects.get(id=voice_id).id, preview.id, making.pcm(1.0))
    Preview.objects.filter(id=preview.id).update(audio_id=audio_id)
    erasure.erase_person(bob.pk, actor=bob, reason="request")
    assert not Preview.objects.exists()
    assert audio_id not in {one for one, _, _ in store().files()}
    assert not Key.objects.filter(turn=preview.id, wrapped__isnull=False).exists()
    assert selectors.is_usable(making.person("eve").pk, voice_id)
