"""The pages of voices: whose voice it is decides what is seen and done, and every refusal is told where it belongs."""

import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from django.contrib.auth import get_user_model
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from inference.types import VoiceInfo
from tests.engine_host import RunningHost
from tests.voices import making, speaking
from voices import presets, selectors, services
from voices.errors import NotAllowed
from voices.models import Preview, State, Voice

pytestmark = pytest.mark.django_db(transaction=True)
LIST = "/voice-profiles"


@pytest.fixture(autouse=True)
def no_host(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no engine is asked, none is waited for."""
    if "engines" not in request.fixturenames:
        monkeypatch.setattr(presets, "all_presets", lambda: ())
        monkeypatch.setattr(presets, "cloning", lambda: ())


@pytest.fixture
def ada() -> Any:
    return making.person("ada")


def at(voice_id: object, part: str = "") -> str:
    return f"{LIST}/{voice_id}{part}"


def browser(user: Any, language: str = "en") -> Client:
    client = Client(headers={"Accept-Language": language})
    client.force_login(user)
    return client


def told(client: Client, response: Any) -> str:
    """The page that a change leads to."""
    assert response.status_code == 302, response.status_code
    return client.get(urlsplit(response["Location"]).path).content.decode()


def state(voice_id: str) -> str:
    return Voice.objects.get(id=voice_id).state


def test_a_new_voice_leads_to_its_first_step(ada: Any) -> None:
    client = browser(ada)
    response = client.post(f"{LIST}/new", {"name": " My  own ", "language": "zh-TW"})
    (row,) = selectors.own(ada)
    assert response["Location"] == at(row.id)
    assert (row.name, row.language, row.state) == ("My own", "zh-TW", State.DRAFT)
    page = client.get(at(row.id)).content.decode()
    assert 'id="sample" data-done="no" data-now' in page
    assert row.name in client.get(LIST).content.decode()


@pytest.mark.parametrize("name", ["", "x" * 81])
def test_a_name_that_cannot_be_is_refused_on_the_form(ada: Any, name: str) -> None:
    response = browser(ada).post(f"{LIST}/new", {"name": name, "language": "en"})
    assert response.status_code == 400
    assert 'role="alert"' in response.content.decode()
    assert selectors.own(ada) == ()


@pytest.mark.parametrize(
    ("method", "part"),
    [
        ("get", ""),
        ("get", "/tries"),
        ("get", "/sample/sound"),
        ("get", "/delete"),
        ("get", "/consent/withdraw"),
        ("post", "/sample"),
        ("post", "/transcript"),
        ("post", "/consent/ask"),
        ("post", "/consent"),
        ("post", "/consent/withdraw"),
        ("post", "/previews"),
        ("post", "/share"),
        ("post", "/unshare"),
        ("post", "/rating"),
        ("post", "/change"),
        ("post", "/delete"),
    ],
)
def test_anothers_voice_is_not_found(ada: Any, method: str, part: str) -> None:
    voice_id = making.usable(ada)
    sent = {
        "transcript": "Other words.",
        "scope": "self",
        "days": "30",
        "score": "5",
        "name": "Taken",
        "challenge": "c",
        "recording": SimpleUploadedFile("a.wav", speaking.wav(making.pcm())),
    }
    stranger = browser(making.person("bob"))
    response = getattr(stranger, method)(at(voice_id, part), sent if method == "post" else {})
    assert response.status_code == 404
    missing = getattr(stranger, method)(at(uuid4(), part), sent if method == "post" else {})
    assert missing.status_code == 404
    assert state(voice_id) == State.USABLE
    assert selectors.own(ada)[0].name == "Ada"


def test_a_shared_voice_is_tried_and_rated_but_neither_heard_nor_changed(ada: Any) -> None:
    manager = making.person("mia", "approve_voice")
    voice_id = making.shared(ada, manager)
    bob = making.person("bob")
    client = browser(bob)
    page = client.get(at(voice_id)).content.decode()
    assert "Try it" in page
    assert making.TRANSCRIPT not in page
    assert "Delete this voice" not in page
    assert client.get(at(voice_id, "/sample/sound")).status_code == 404
    assert client.post(at(voice_id, "/delete")).status_code == 404
    client.post(at(voice_id, "/rating"), {"score": "8"})
    assert selectors.profile(bob, voice_id).row.rating.own == 8
    assert "Rated 8.0 of 10 (1)" in client.get(LIST).content.decode()
    client.post(at(voice_id, "/previews"), {"text": "Say this."})
    assert "Say this." in client.get(at(voice_id, "/tries")).content.decode()
    assert "Say this." not in browser(ada).get(at(voice_id, "/tries")).content.decode()


@pytest.mark.parametrize("score", ["", "0", "11", "ten", "1" * 30])
def test_a_rating_that_cannot_be_is_told(ada: Any, score: str) -> None:
    voice_id = making.usable(ada)
    client = browser(ada)
    assert "told refused" in told(client, client.post(at(voice_id, "/rating"), {"score": score}))
    assert selectors.profile(ada, voice_id).row.rating.count == 0


def test_what_is_no_recording_is_told_at_its_step(ada: Any) -> None:
    voice_id = making.draft(ada)
    client = browser(ada)
    for sent in ({}, {"recording": SimpleUploadedFile("voice.wav", b"RIFF and nothing that could be heard")}):
        response = client.post(at(voice_id, "/sample"), sent)
        assert response["Location"] == at(voice_id, "#sample")
        assert "told refused" in told(client, response)
    for size in (10 * 1024 * 1024 + 1, 30 * 1024 * 1024):
        large = SimpleUploadedFile("voice.wav", b"\x00" * size)
        assert "10 MB" in told(client, client.post(at(voice_id, "/sample"), {"recording": large}))
    assert state(voice_id) == State.DRAFT


def test_no_upload_becomes_a_file_that_somebody_could_find(
    ada: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(services, "add_sample", lambda *_args, **_kwargs: made.extend(path.name for path in seen()))

    def seen() -> list[Path]:
        return list(tmp_path.rglob("*"))

    sent = SimpleUploadedFile("voice.wav", speaking.wav(making.pcm(120.0)))  # beyond Django's own 2.5 MB
    with pytest.raises(AttributeError):  # no report: only what lies there meanwhile is asked about
        browser(ada).post(at(making.draft(ada), "/sample"), {"recording": sent})
    assert made == []


def test_the_owner_hears_the_sample_in_ranges(ada: Any) -> None:
    voice_id = making.usable(ada)
    client = browser(ada)
    whole = client.get(at(voice_id, "/sample/sound"))
    assert (whole.status_code, whole["Content-Type"]) == (200, "audio/flac")
    part = client.get(at(voice_id, "/sample/sound"), headers={"Range": "bytes=0-3"})
    assert (part.status_code, part["Content-Length"]) == (206, "4")
    services.withdraw_consent(voice_id, actor=ada)
    assert client.get(at(voice_id, "/sample/sound")).status_code == 404


def test_withdrawing_and_deleting_are_asked_first(ada: Any) -> None:
    voice_id = making.usable(ada)
    client = browser(ada)
    assert client.get(at(voice_id, "/consent/withdraw")).status_code == 200
    assert state(voice_id) == State.USABLE
    assert "withdrawn" in told(client, client.post(at(voice_id, "/consent/withdraw")))
    assert state(voice_id) == State.DRAFT
    assert client.get(at(voice_id, "/delete")).status_code == 200
    assert "deleted" in told(client, client.post(at(voice_id, "/delete")))
    assert client.get(at(voice_id)).status_code == 404


def test_a_voice_is_shared_and_taken_back_and_a_rejection_says_why(ada: Any) -> None:
    manager = making.person("mia", "approve_voice")
    voice_id = making.usable(ada)
    client = browser(ada)
    client.post(at(voice_id, "/share"))
    assert state(voice_id) == State.WAITING
    client.post(at(voice_id, "/unshare"))
    assert state(voice_id) == State.USABLE
    client.post(at(voice_id, "/share"))
    services.reject(voice_id, actor=manager, reason="quality", note="There is music in it.")
    page = client.get(at(voice_id)).content.decode()
    assert "The sample is not good enough. There is music in it." in page
    assert "Ask to share it" in page


def test_a_consent_for_oneself_is_not_shared(ada: Any) -> None:
    voice_id = making.usable(ada, scope="self")
    client = browser(ada)
    page = client.get(at(voice_id)).content.decode()
    assert "Ask to share it" not in page
    assert "told refused" in told(client, client.post(at(voice_id, "/share")))
    assert state(voice_id) == State.USABLE


@pytest.mark.parametrize(
    ("cloning", "said", "fine"), [((), True, False), (("fast",), False, False), (("fast", "fine"), False, True)]
)
def test_what_can_speak_in_it_is_offered(
    ada: Any, monkeypatch: pytest.MonkeyPatch, cloning: tuple[str, ...], said: bool, fine: bool
) -> None:
    monkeypatch.setattr(presets, "cloning", lambda: cloning)
    voice_id = making.usable(ada)
    client = browser(ada)
    page = client.get(at(voice_id)).content.decode()
    assert ("another voice says it" in page) is said
    assert ('value="fine"' in page) is fine
    client.post(at(voice_id, "/previews"), {"text": "", "quality": "fine"})
    assert Preview.objects.get().quality == "fine"


def test_a_sentence_to_read_is_shown_until_it_is_over(ada: Any) -> None:
    voice_id = making.with_sample(ada)
    client = browser(ada)
    client.post(at(voice_id, "/consent/ask"), {"scope": "shared", "days": "90"})
    challenge = selectors.profile(ada, voice_id).challenge
    assert challenge is not None
    assert (challenge.scope, challenge.days) == ("shared", 90)
    page = client.get(at(voice_id)).content.decode()
    assert challenge.sentence in page
    assert 'data-ends-in-s="1' in page
    assert "told refused" in told(client, client.post(at(voice_id, "/consent/ask"), {"days": "0"}))


def test_the_page_says_it_in_chinese(ada: Any) -> None:
    voice_id = making.usable(ada)
    page = browser(ada, "zh-hant").get(at(voice_id)).content.decode()
    assert "撤回我的同意" in page
    refused = browser(ada, "zh-hant")
    assert "沒有收到錄音" in told(refused, refused.post(at(voice_id, "/sample")))


def test_a_form_of_another_site_changes_nothing(ada: Any) -> None:
    voice_id = making.usable(ada)
    client = Client(enforce_csrf_checks=True)
    client.force_login(ada)
    assert client.post(at(voice_id, "/delete")).status_code == 403
    assert state(voice_id) == State.USABLE


def test_a_recording_becomes_a_sample_with_its_figures(ada: Any, engines: RunningHost) -> None:
    voice_id = making.draft(ada)
    client = browser(ada)
    spoken = speaking.wav(speaking.room(speaking.said(speaking.LONG, "hibari-us")))
    response = client.post(at(voice_id, "/sample"), {"recording": SimpleUploadedFile("../../x.wav", spoken)})
    assert response["Location"] == at(voice_id, "#transcript")
    page = client.get(at(voice_id)).content.decode()
    assert "garden" in page
    assert "LUFS" in page
    assert 'id="transcript" data-done="no" data-now' in page
    client.post(at(voice_id, "/transcript"), {"transcript": speaking.LONG})
    assert 'id="consent" data-done="no" data-now' in client.get(at(voice_id)).content.decode()


def test_a_recording_that_is_too_short_is_reported_in_numbers(ada: Any, engines: RunningHost) -> None:
    voice_id = making.draft(ada)
    client = browser(ada)
    word = speaking.wav(speaking.room(speaking.said("Hello.", "hibari-us"), before_s=2, after_s=2))
    page = told(client, client.post(at(voice_id, "/sample"), {"recording": SimpleUploadedFile("a.wav", word)}))
    assert "This recording was not taken (Speech " in page
    assert "at least 3 seconds are needed" in page
    assert state(voice_id) == State.DRAFT


def test_presets_stand_in_the_list_and_can_be_rated_and_tried(ada: Any, engines: RunningHost) -> None:
    client = browser(ada)
    assert "Heart" in client.get(LIST).content.decode()
    preset = next(row for row in selectors.presets(ada) if row.name == "Heart")
    assert client.get(at(preset.id)).status_code == 200
    client.post(at(preset.id, "/rating"), {"score": "9"})
    client.post(at(preset.id, "/previews"), {"text": ""})
    assert Preview.objects.get().preset == preset.voice
    assert "Rated 9.0 of 10 (1)" in client.get(at(preset.id)).content.decode()


@pytest.mark.parametrize(
    ("voice", "text", "words"),
    [
        ("hibari-us", "", "Your consent counts"),
        (
            "hibari-us",
            "I will read something else, as long as it takes to be heard at all.",
            "words were heard in order",
        ),
        ("am_michael", "", "the voice is not that of the sample"),
    ],
)
def test_a_read_consent_is_answered_with_its_figures(
    ada: Any, engines: RunningHost, voice: str, text: str, words: str
) -> None:
    voice_id = making.draft(ada)
    sample = speaking.wav(speaking.room(speaking.said(speaking.LONG, "hibari-us")))
    services.add_sample(voice_id, sample, actor=ada)
    client = browser(ada)
    client.post(at(voice_id, "/consent/ask"), {"scope": "self", "days": "30"})
    challenge = selectors.profile(ada, voice_id).challenge
    assert challenge is not None
    read = speaking.wav(speaking.room(speaking.said(text or challenge.sentence, voice)))
    sent = {"challenge": challenge.id, "recording": SimpleUploadedFile("a.wav", read)}
    page = told(client, client.post(at(voice_id, "/consent"), sent))
    assert words in page
    assert state(voice_id) == (State.USABLE if words.startswith("Your consent") else State.DRAFT)
    again = told(client, client.post(at(voice_id, "/consent"), sent | {"recording": SimpleUploadedFile("a.wav", read)}))
    assert "told refused" in again


def test_what_was_chosen_for_a_consent_stays_chosen_until_it_counts(ada: Any) -> None:
    voice_id = making.with_sample(ada)
    client = browser(ada)
    alone, everybody = ('name="scope" value="self" checked', 'name="scope" value="shared" checked')
    assert alone in client.get(at(voice_id)).content.decode()
    client.post(at(voice_id, "/consent/ask"), {"scope": "shared", "days": "30"})
    challenge = selectors.profile(ada, voice_id).challenge
    assert challenge is not None
    late = challenge.expires_at + timedelta(seconds=1)
    assert not services.give_consent(voice_id, challenge.id, b"", actor=ada, received_at=late).accepted
    page = client.get(at(voice_id)).content.decode()
    assert everybody in page
    assert alone not in page
    assert '<option value="30" selected>' in page
    making.consent(ada, voice_id)
    services.withdraw_consent(voice_id, actor=ada)
    making.put_sample(ada, voice_id)
    assert alone in client.get(at(voice_id)).content.decode()


def test_a_guest_has_a_voice_for_themselves_alone() -> None:
    guest = get_user_model().objects.create(username="guest-1", is_guest=True)
    voice_id = making.draft(guest)
    making.put_sample(guest, voice_id)
    client = browser(guest)
    page = client.get(at(voice_id)).content.decode()
    assert 'value="shared"' not in page
    making.consent(guest, voice_id)
    assert state(voice_id) == State.USABLE
    page = client.get(at(voice_id)).content.decode()
    assert "Guests cannot share a voice" in page
    assert "Ask to share it" not in page
    assert "Guests cannot share a voice" in told(client, client.post(at(voice_id, "/share")))
    chinese = browser(guest, "zh-TW")
    assert "訪客不能分享聲音" in told(chinese, chinese.post(at(voice_id, "/share")))
    with pytest.raises(NotAllowed):
        services.share(voice_id, actor=guest)
    assert state(voice_id) == State.USABLE


def test_recordings_of_one_person_are_counted_together_with_those_through_rest(ada: Any, settings: Any) -> None:
    settings.API_REQUESTS_PER_MINUTE = settings.API_REQUESTS_PER_MINUTE | {"heavy": 3}
    voice_id = making.with_sample(ada)
    client, path = browser(ada), f"/api/voice-profiles/{voice_id}/audio/"

    def told_of(part: str) -> str:
        sent = {"challenge": "c", "recording": SimpleUploadedFile("a.wav", b"no sound")}
        return told(client, client.post(at(voice_id, part), sent))

    enough = "a lot of recordings"
    assert enough not in told_of("/sample")
    assert enough not in told_of("/consent")
    assert client.post(path, {"file": SimpleUploadedFile("a.wav", b"no sound")}).status_code == 400
    assert enough in told_of("/sample")
    assert enough in told_of("/consent")
    assert client.post(path, {"file": SimpleUploadedFile("a.wav", b"no sound")}).status_code == 429
    other = browser(making.person("bob"))
    mine = making.with_sample(making.person("cleo"))
    assert other.post(at(mine, "/sample"), {"recording": SimpleUploadedFile("a.wav", b"x")}).status_code == 404


@pytest.mark.parametrize(("language", "first", "second"), [("en", "Bella", "Yunxi"), ("zh-TW", "Yunxi", "Bella")])
def test_presets_of_the_pages_language_come_first(
    ada: Any, monkeypatch: pytest.MonkeyPatch, language: str, first: str, second: str
) -> None:
    infos = [
        VoiceInfo(id="zm_yunxi", name="Yunxi", engine="kokoro", languages=("zh", "zh-TW")),
        VoiceInfo(id="af_bella", name="Bella", engine="kokoro", languages=("en", "en-US")),
        VoiceInfo(id="zm_yunyang", name="Yunyang", engine="kokoro", languages=("zh", "zh-TW")),
    ]
    monkeypatch.setattr(presets, "all_presets", lambda: tuple(infos))
    page = browser(ada, language).get(LIST).content.decode()
    assert page.index(f">{first}<") < page.index(f">{second}<")
