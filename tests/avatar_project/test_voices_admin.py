"""A voice manager in the admin: a queue, sounds that stay closed until they are opened with a reason, and decisions."""

from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from conversations.log import store
from conversations.log.models import Event
from conversations.log.types import RecordedEvent
from tests.conversations.moderating import ONE, held
from tests.voices import making
from voices import selectors, services
from voices.events import UtteranceClosed, UtteranceOpened, VoiceHeard, VoiceRevoked, stream_of
from voices.models import State, Utterance, Voice
from voices.services import provenance

pytestmark = pytest.mark.django_db(transaction=True)
LIST = "/admin/voices/voice/"
SAID = "/admin/voices/utterance/"


def staff(name: str, role: str = "") -> Any:
    user = making.person(name)
    user.is_staff = True
    user.save()
    if role:
        user.groups.add(Group.objects.get(name=role))
    return user


@pytest.fixture
def ada() -> Any:
    return making.person("ada")


@pytest.fixture
def client() -> Client:
    """A voice manager's."""
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(staff("mia", "voice manager"))
    return client


def page(voice_id: str, part: str = "change/") -> str:
    return f"{LIST}{voice_id}/{part}"


def waiting(ada: Any) -> str:
    voice_id = making.usable(ada, "Ada's voice")
    services.share(voice_id, actor=ada)
    return voice_id


def facts(voice_id: str, kind: str) -> list[RecordedEvent]:
    return [event for event in store.read_stream(stream_of(voice_id)) if event.type == kind]


def state(voice_id: str) -> str:
    return Voice.objects.get(id=voice_id).state


def said(voice_id: str, owner: Any, conversation_id: str = "", fingerprint: str = "abcd") -> str:
    """Something that was said in the voice; the id of its record."""
    opening = provenance.Opening(
        utterance_id=f"u-{voice_id[:8]}",
        voice=voice_id,
        owner_id=str(owner.pk),
        speaker_id=str(owner.pk),
        engine="f5",
        model="f5-tiny",
        quality="fast",
        conversation_id=conversation_id,
        door="realtime",
    )
    provenance.opened(opening)
    provenance.closed(opening, duration_ms=2100, watermarked=True, fingerprint=fingerprint)
    return opening.utterance_id


def test_the_queue_shows_who_waits(client: Client, ada: Any) -> None:
    voice_id, own = waiting(ada), making.usable(ada, "For myself")
    queue = client.get(f"{LIST}?state=waiting").content.decode()
    assert voice_id in queue
    assert own not in queue
    assert "Ada&#x27;s voice" in queue
    assert "For myself" in client.get(f"{LIST}?q=For").content.decode()
    assert voice_id not in client.get(f"{LIST}?q=For").content.decode()


def test_a_voice_is_approved_once_somebody_has_confirmed_it(client: Client, ada: Any) -> None:
    voice_id = waiting(ada)
    assert page(voice_id, "do/approve/") in client.get(page(voice_id)).content.decode()
    asked = client.get(page(voice_id, "do/approve/"))
    assert asked.status_code == 200
    assert state(voice_id) == State.WAITING
    client.post(page(voice_id, "do/approve/"), {"confirmed": "yes", "reason": "suitable"})
    assert state(voice_id) == State.APPROVED
    twice = client.post(page(voice_id, "do/approve/"), {"confirmed": "yes", "reason": "suitable"}, follow=True)
    assert "not waiting" in twice.content.decode()


def test_a_rejection_and_a_revocation_need_a_reason_and_carry_a_note(client: Client, ada: Any) -> None:
    voice_id = waiting(ada)
    client.post(page(voice_id, "do/reject/"), {"confirmed": "yes", "reason": ""})
    assert state(voice_id) == State.WAITING
    client.post(page(voice_id, "do/reject/"), {"confirmed": "yes", "reason": "quality", "note": "Music behind it."})
    assert state(voice_id) == State.REJECTED
    decision = selectors.profile(ada, voice_id).decision
    assert decision is not None
    assert decision.note == "Music behind it."
    client.post(page(voice_id, "do/revoke/"), {"confirmed": "yes", "reason": "abuse"})
    assert state(voice_id) == State.REVOKED
    assert len(facts(voice_id, VoiceRevoked.type)) == 1
    shown = client.get(page(voice_id)).content.decode()
    assert "Music behind it." in shown
    assert page(voice_id, "do/revoke/") not in shown


def test_a_reason_says_what_it_said_where_it_was_chosen(client: Client, ada: Any) -> None:
    """``identity`` is doubt in a rejection and a finding in a revocation."""
    voice_id = waiting(ada)
    doubt, finding = "It may not be the owner&#x27;s voice", "It is not the owner&#x27;s voice"
    owners = Client(headers={"Accept-Language": "en"})
    owners.force_login(ada)
    client.post(page(voice_id, "do/reject/"), {"confirmed": "yes", "reason": "identity"})
    for shown in (client.get(page(voice_id)), owners.get(f"/voice-profiles/{voice_id}")):
        assert doubt in shown.content.decode()
        assert finding not in shown.content.decode()
    client.post(page(voice_id, "do/revoke/"), {"confirmed": "yes", "reason": "identity"})
    assert finding in owners.get(f"/voice-profiles/{voice_id}").content.decode()
    told = client.get(page(voice_id)).content.decode()
    assert f"rejected: {doubt}" in told
    assert f"revoked: {finding}" in told


@pytest.mark.parametrize("what", ["sample", "consent"])
def test_a_sound_opens_with_a_reason_that_is_recorded_once(client: Client, ada: Any, what: str) -> None:
    voice_id = waiting(ada)
    sound = page(voice_id, f"sound/{what}/")
    assert client.get(sound).status_code == 403
    assert sound not in client.get(page(voice_id)).content.decode()
    client.post(page(voice_id, f"listen/{what}/"), {"reason": ""})
    assert client.get(sound).status_code == 403
    client.post(page(voice_id, f"listen/{what}/"), {"reason": "decision"})
    assert client.get(sound).status_code == 200
    client.post(page(voice_id, f"listen/{what}/"), {"reason": "decision"})
    assert client.get(sound, headers={"Range": "bytes=0-3"}).status_code == 206
    (heard,) = facts(voice_id, VoiceHeard.type)
    assert heard.payload["reason"] == "decision"
    other = {"sample": "consent", "consent": "sample"}[what]
    assert client.get(page(voice_id, f"sound/{other}/")).status_code == 403
    services.withdraw_consent(voice_id, actor=ada)
    assert client.get(sound).status_code == 404


def test_what_was_opened_closes_with_the_permission(client: Client, ada: Any) -> None:
    voice_id = waiting(ada)
    client.post(page(voice_id, "listen/sample/"), {"reason": "decision"})
    Group.objects.get(name="voice manager").permissions.filter(codename="listen_voice").get().group_set.clear()
    assert client.get(page(voice_id, "sound/sample/")).status_code == 403
    assert "closed to you" in client.get(page(voice_id)).content.decode()


def test_who_only_audits_sees_and_does_nothing(ada: Any) -> None:
    voice_id = waiting(ada)
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(staff("eve", "auditor"))
    shown = client.get(page(voice_id)).content.decode()
    assert "What happened to it" in shown
    assert "do/approve/" not in shown
    for name in ("approve", "reject", "revoke"):
        answer = client.post(page(voice_id, f"do/{name}/"), {"confirmed": "yes", "reason": "other"})
        assert answer.status_code == 403
    client.post(page(voice_id, "listen/sample/"), {"reason": "decision"})
    assert client.get(page(voice_id, "sound/sample/")).status_code == 403
    assert state(voice_id) == State.WAITING
    assert facts(voice_id, VoiceHeard.type) == []


@pytest.mark.parametrize("role", ["", "integrator"])
def test_others_of_the_staff_see_no_voice(ada: Any, role: str) -> None:
    voice_id = waiting(ada)
    client = Client()
    client.force_login(staff("joe", role))
    for address in (LIST, page(voice_id), page(voice_id, "do/revoke/"), page(voice_id, "sound/sample/"), SAID):
        assert client.get(address).status_code == 403, address
    assert client.post(page(voice_id, "listen/sample/"), {"reason": "decision"}).status_code == 403


def test_a_deleted_voice_is_still_told_of_without_its_name(client: Client, ada: Any) -> None:
    voice_id = waiting(ada)
    services.delete(voice_id, actor=ada)
    shown = client.get(page(voice_id))
    assert shown.status_code == 200
    assert "deleted by its owner" in shown.content.decode()
    assert "Ada&#x27;s voice" not in shown.content.decode()
    assert voice_id in client.get(f"{LIST}?state=deleted").content.decode()


def test_provenance_is_listed_and_found(client: Client, ada: Any) -> None:
    voice_id = waiting(ada)
    utterance_id = said(voice_id, ada)
    other = said(making.usable(ada, "Another"), ada)
    found = client.get(f"{SAID}?voice={voice_id}").content.decode()
    assert utterance_id in found
    assert other not in found
    assert other in client.get(f"{SAID}?q={other}").content.decode()
    assert utterance_id in client.get(page(voice_id)).content.decode()
    shown = client.get(f"{SAID}{utterance_id}/change/")
    assert shown.status_code == 200
    assert "f5-tiny" in shown.content.decode()
    assert Utterance.objects.count() == 2
    assert {UtteranceOpened.type, UtteranceClosed.type} <= set(Event.objects.values_list("type", flat=True))


def test_nobody_adds_changes_or_deletes_rows(client: Client, ada: Any) -> None:
    voice_id = waiting(ada)
    utterance_id = said(voice_id, ada)
    for address in (f"{LIST}add/", page(voice_id, "delete/"), f"{SAID}add/", f"{SAID}{utterance_id}/delete/"):
        assert client.get(address).status_code in {302, 403, 404}, address
    client.post(page(voice_id), {"state": "approved"})
    assert state(voice_id) == State.WAITING


def test_a_stranger_is_sent_to_sign_in(ada: Any) -> None:
    voice_id = waiting(ada)
    client = Client()
    client.force_login(ada)  # nobody of the staff
    for address in (LIST, page(voice_id), page(voice_id, "sound/sample/")):
        response = client.get(address)
        assert response.status_code == 302
        assert urlsplit(response["Location"]).path == "/admin/login/"


def test_the_first_page_counts_who_waits_and_a_conversation_leads_to_its_voices(client: Client, ada: Any) -> None:
    voice_id = waiting(ada)
    index = client.get("/admin/").content.decode()
    assert f"{LIST}?state=waiting" in index
    held(ada)
    said(voice_id, ada, conversation_id=ONE)
    shown = client.get(f"/admin/conversations/conversation/{ONE}/change/").content.decode()
    assert page(voice_id) in shown
    assert "Voice: Ada&#x27;s voice" in shown
