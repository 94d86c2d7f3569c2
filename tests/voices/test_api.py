"""/api/voice-profiles/: who may do what, and how it is said."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from django.utils import timezone

from conversations.log.models import Event
from tests.conversations.api_helpers import client_of
from tests.voices import making
from voices import presets, services
from voices.events import stream_of
from voices.models import Consent, Voice

pytestmark = pytest.mark.django_db(transaction=True)
ALL = "/api/voice-profiles/"
SCOPES = ("voices:read", "voices:write")


@pytest.fixture(autouse=True)
def no_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody answers where the host would be; lists then hold what is known without it."""
    presets.forget()


def one(voice_id: str, rest: str = "") -> str:
    return f"{ALL}{voice_id}/{rest}"


def json_of(response: Any, status: int) -> Any:
    assert response.status_code == status, response.content
    return response.json()


def send(client: Client, method: str, path: str, body: object = None) -> Any:
    return client.generic(method, path, "" if body is None else json.dumps(body), "application/json")


def test_a_voice_is_made_read_changed_listed_and_deleted() -> None:
    ada = client_of(making.person("ada"), *SCOPES)
    made = send(ada, "POST", ALL, {"name": "My voice", "language": "zh"})
    voice = json_of(made, 201)
    assert made["Location"] == one(voice["id"])
    assert (voice["state"], voice["language"], voice["own"], voice["sample"]) == ("draft", "zh-TW", True, None)
    changed = json_of(send(ada, "PATCH", one(voice["id"]), {"name": "Other", "language": "en-GB"}), 200)
    assert (changed["name"], changed["language"]) == ("Other", "en")
    (listed,) = json_of(ada.get(ALL, {"of": "own"}), 200)
    assert listed["name"] == "Other"
    assert send(ada, "DELETE", one(voice["id"])).status_code == 204
    assert json_of(ada.get(one(voice["id"])), 404)["code"] == "not_found"
    assert json_of(ada.get(ALL, {"of": "own"}), 200) == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": 5}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"name": "a", "languages": "en"}, "languages"),
    ],
)
def test_a_wrong_body_is_told_by_field(body: object, field: str) -> None:
    problem = json_of(send(client_of(making.person("ada"), *SCOPES), "POST", ALL, body), 400)
    assert [error["field"] for error in problem["errors"]] == [field]


def test_a_language_that_nobody_can_read_a_consent_in_is_refused() -> None:
    problem = json_of(send(client_of(making.person("ada"), *SCOPES), "POST", ALL, {"name": "a", "language": "fr"}), 400)
    assert problem["code"] == "language"
    assert [error["field"] for error in problem["errors"]] == ["language"]


def test_a_key_needs_the_scope() -> None:
    ada = making.person("ada")
    voice_id = making.draft(ada)
    assert Client().get(ALL).status_code == 401
    assert json_of(client_of(ada, "realtime").get(ALL), 403)["code"] == "not_allowed"
    reader = client_of(ada, "voices:read")
    assert reader.get(one(voice_id)).status_code == 200
    assert send(reader, "DELETE", one(voice_id)).status_code == 403


REQUESTS: dict[str, Callable[[Client, str], Any]] = {
    "read": lambda client, voice: client.get(one(voice)),
    "change": lambda client, voice: send(client, "PATCH", one(voice), {"name": "Mine"}),
    "delete": lambda client, voice: send(client, "DELETE", one(voice)),
    "hear": lambda client, voice: client.get(one(voice, "audio/"), {"reason": "decision"}),
    "consent": lambda client, voice: send(client, "POST", one(voice, "consent/"), {}),
    "hear the consent": lambda client, voice: client.get(one(voice, "consent/audio/"), {"reason": "decision"}),
    "withdraw": lambda client, voice: send(client, "DELETE", one(voice, "consent/")),
    "share": lambda client, voice: send(client, "POST", one(voice, "share/"), {}),
    "unshare": lambda client, voice: send(client, "DELETE", one(voice, "share/")),
    "preview": lambda client, voice: send(client, "POST", one(voice, "preview/"), {}),
    "previews": lambda client, voice: client.get(one(voice, "preview/")),
    "rate": lambda client, voice: send(client, "PUT", one(voice, "ratings/"), {"score": 1}),
    "ratings": lambda client, voice: client.get(one(voice, "ratings/")),
}


@pytest.mark.parametrize("what", REQUESTS)
def test_anothers_voice_is_as_if_it_were_not_there(what: str) -> None:
    voice_id = making.usable(making.person("ada"))
    bob = client_of(making.person("bob"), *SCOPES)
    theirs, nobodys = REQUESTS[what](bob, voice_id), REQUESTS[what](bob, str(uuid4()))
    assert json_of(theirs, 404) == json_of(nobodys, 404)
    assert Voice.objects.get(id=voice_id).state == "usable"


@pytest.mark.parametrize("deed", ["approve", "reject", "revoke"])
def test_decisions_take_the_permission(deed: str) -> None:
    ada = making.person("ada")
    voice_id = making.usable(ada)
    services.share(voice_id, actor=ada)
    reason = {} if deed == "approve" else {"reason": "other"}
    assert send(client_of(ada, *SCOPES), "POST", one(voice_id, f"{deed}/"), reason).status_code == 403
    manager = client_of(making.person("mia", "approve_voice", "revoke_voice"), *SCOPES)
    assert send(manager, "POST", one(voice_id, f"{deed}/"), reason | {"note": "Note."}).status_code == 204
    decision = json_of(client_of(ada, *SCOPES).get(one(voice_id)), 200)["decision"]
    assert decision["note"] == "Note."
    again = send(manager, "POST", one(voice_id, f"{deed}/"), reason)
    assert again.status_code == (204 if deed == "revoke" else 409)


def test_a_manager_sees_what_waits() -> None:
    ada = making.person("ada")
    voice_id = making.usable(ada)
    services.share(voice_id, actor=ada)
    assert client_of(ada, *SCOPES).get(f"{ALL}waiting/").status_code == 403
    manager = client_of(making.person("mia", "approve_voice"), *SCOPES)
    (waiting,) = json_of(manager.get(f"{ALL}waiting/"), 200)
    assert (waiting["id"], waiting["owner_id"]) == (voice_id, str(ada.pk))


def test_what_is_shared_is_listed_and_rated_by_others_and_its_secrets_stay_its_owners() -> None:
    ada, mia = making.person("ada"), making.person("mia", "approve_voice")
    voice_id = making.shared(ada, mia)
    bob = client_of(making.person("bob"), *SCOPES)
    (row,) = json_of(bob.get(ALL, {"of": "shared"}), 200)
    assert (row["id"], row["own"], row["cloned"], row["measured"]) == (voice_id, False, True, False)
    assert json_of(send(bob, "PUT", one(voice_id, "ratings/"), {"score": 7}), 200) == {
        "mean": 7.0,
        "count": 1,
        "own": 7,
    }
    seen = json_of(bob.get(one(voice_id)), 200)
    assert (seen["sample"], seen["consent"], seen["challenge"], seen["decision"]) == (None, None, None, None)
    assert making.TRANSCRIPT not in bob.get(one(voice_id)).content.decode()
    assert bob.get(one(voice_id, "audio/")).status_code == 404


@pytest.mark.parametrize("score", [0, 11, "7", 7.5, None, True])
def test_a_score_is_a_whole_number_from_1_to_10(score: object) -> None:
    ada = making.person("ada")
    voice_id = making.draft(ada)
    assert send(client_of(ada, *SCOPES), "PUT", one(voice_id, "ratings/"), {"score": score}).status_code == 400


def body_of(response: Any) -> bytes:
    async def read() -> bytes:
        return b"".join([piece async for piece in response])

    return async_to_sync(read)()


def test_the_sample_is_served_whole_and_in_ranges() -> None:
    ada = making.person("ada")
    voice_id = making.with_sample(ada)
    client = client_of(ada, *SCOPES)
    whole = client.get(one(voice_id, "audio/"))
    assert (whole.status_code, whole["Content-Type"]) == (200, "audio/flac")
    sound = body_of(whole)
    part = client.get(one(voice_id, "audio/"), headers={"range": "bytes=4-99"})
    assert part.status_code == 206
    assert body_of(part) == sound[4:100]
    assert client.get(one(voice_id, "audio/"), headers={"range": "bytes=99999999-"}).status_code == 416


def test_a_manager_says_why_they_listen_and_it_is_on_record() -> None:
    voice_id = making.usable(making.person("ada"))
    manager = client_of(making.person("mia", "listen_voice"), *SCOPES)
    assert manager.get(one(voice_id, "audio/")).status_code == 400
    assert manager.get(one(voice_id, "audio/"), {"reason": "curiosity"}).status_code == 400
    for what in ("audio/", "consent/audio/"):
        assert manager.get(one(voice_id, what), {"reason": "complaint"}).status_code == 200
    heard = Event.objects.filter(stream=stream_of(voice_id), type="voice.heard")
    assert heard.count() == 2


def test_a_consent_is_withdrawn_at_any_moment() -> None:
    ada = making.person("ada")
    voice_id = making.usable(ada)
    client = client_of(ada, *SCOPES)
    assert send(client, "DELETE", one(voice_id, "consent/")).status_code == 204
    assert json_of(client.get(one(voice_id, "audio/")), 404)["code"] == "no_sound"
    assert json_of(client.get(one(voice_id)), 200)["state"] == "draft"


def test_a_sentence_is_asked_for_with_scope_and_end() -> None:
    ada = making.person("ada")
    voice_id = making.with_sample(ada)
    client = client_of(ada, *SCOPES)
    asked = json_of(send(client, "POST", one(voice_id, "consent/"), {"scope": "shared", "days": 7}), 201)
    assert (asked["scope"], asked["days"], len(asked["words"])) == ("shared", 7, 6)
    assert json_of(client.get(one(voice_id)), 200)["challenge"] == asked
    for wrong in ({"scope": "all"}, {"days": 0}, {"days": "7"}, {"until": "2030-01-01"}):
        assert send(client, "POST", one(voice_id, "consent/"), wrong).status_code == 400
    draft = making.draft(ada, "Without a sample")
    assert json_of(send(client, "POST", one(draft, "consent/"), {}), 409)["code"] == "no_sample"


@pytest.mark.parametrize(("language", "words"), [("en", "the two minutes were over"), ("zh-Hant", "兩分鐘已過")])
def test_a_verdict_is_in_the_readers_language(language: str, words: str) -> None:
    ada = making.person("ada")
    voice_id = making.with_sample(ada)
    client = client_of(ada, *SCOPES)
    asked = json_of(send(client, "POST", one(voice_id, "consent/"), {}), 201)
    Consent.objects.filter(id=asked["id"]).update(expires_at=timezone.now() - timedelta(seconds=1))
    form = encode_multipart(BOUNDARY, {"challenge": asked["id"], "file": SimpleUploadedFile("a.wav", b"late")})
    late = client.put(one(voice_id, "consent/"), form, MULTIPART_CONTENT, headers={"Accept-Language": language})
    verdict = json_of(late, 200)
    assert (verdict["accepted"], verdict["reason"]) == (False, "expired")
    assert words in verdict["message"]


def test_only_as_many_previews_wait_as_one_may_have() -> None:
    ada = making.person("ada")
    voice_id = making.usable(ada)
    client = client_of(ada, *SCOPES)
    made = send(client, "POST", one(voice_id, "preview/"), {"text": "Say this."})
    preview = json_of(made, 202)
    assert json_of(client.get(made["Location"]), 200) == preview
    assert (preview["text"], preview["state"]) == ("Say this.", "queued")
    assert json_of(client.get(f"{made['Location']}audio/"), 404)["code"] == "no_sound"
    assert client_of(making.person("bob"), *SCOPES).get(made["Location"]).status_code == 404
    for _ in range(2):
        json_of(send(client, "POST", one(voice_id, "preview/"), {}), 202)
    assert json_of(send(client, "POST", one(voice_id, "preview/"), {}), 429)["code"] == "too_many"


def test_a_draft_has_nothing_to_try() -> None:
    ada = making.person("ada")
    problem = json_of(send(client_of(ada, *SCOPES), "POST", one(making.draft(ada), "preview/"), {}), 409)
    assert problem["code"] == "voice_not_usable"
