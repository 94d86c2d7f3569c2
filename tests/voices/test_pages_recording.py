"""Recording and consenting on the pages: what was heard is told in figures, and nothing is left lying about."""

import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile

from tests.engine_host import RunningHost
from tests.voices import making, speaking
from tests.voices.paging import at, browser, state, told
from voices import selectors, services
from voices.models import State

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_host")]


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


def test_recordings_of_one_person_are_counted_together_with_those_through_rest(ada: Any, settings: Any) -> None:
    settings.API_REQUESTS_PER_MINUTE = settings.API_REQUESTS_PER_MINUTE | {"heavy": 3}
    voice_id = making.with_sample(ada)
    client, path = browser(ada), f"/api/voice-profiles/{voice_id}/audio/"

    def told_of(part: str) -> str:
        sent = {"challenge": "c", "recording": SimpleUploadedFile("a.wav", b"no sound")}
        return told(client, client.post(at(voice_id, part), sent))

    enough = "a lot within a minute"
    assert enough not in told_of("/sample")
    assert enough not in told_of("/consent")
    assert client.post(path, {"file": SimpleUploadedFile("a.wav", b"no sound")}).status_code == 400
    assert enough in told_of("/sample")
    assert enough in told_of("/consent")
    assert client.post(path, {"file": SimpleUploadedFile("a.wav", b"no sound")}).status_code == 429
    other = browser(making.person("bob"))
    mine = making.with_sample(making.person("cleo"))
    assert other.post(at(mine, "/sample"), {"recording": SimpleUploadedFile("a.wav", b"x")}).status_code == 404


@pytest.mark.parametrize("part", ["/sample", "/consent", "/consent/ask"])
def test_another_s_voice_is_not_found_whatever_is_sent(ada: Any, part: str) -> None:
    client = browser(making.person("bob"))
    theirs = making.usable(ada)
    for sent in ({}, {"days": "none"}, {"recording": SimpleUploadedFile("a.wav", b"no sound"), "challenge": "c"}):
        assert client.post(at(theirs, part), sent).status_code == 404


def test_changes_on_the_pages_are_counted_too_but_never_what_ends_something(ada: Any, settings: Any) -> None:
    cache.clear()
    settings.API_REQUESTS_PER_MINUTE = settings.API_REQUESTS_PER_MINUTE | {"write": 2}
    voice_id = making.usable(ada)
    client, enough = browser(ada), "a lot within a minute"
    for name in ("One", "Two"):
        assert enough not in told(client, client.post(at(voice_id, "/change"), {"name": name}))
    assert enough in told(client, client.post(at(voice_id, "/change"), {"name": "Three"}))
    assert enough in told(client, client.post(at(voice_id, "/rating"), {"score": "5"}))
    refused = client.post("/voice-profiles/new", {"name": "Another", "language": "en"})
    assert (refused.status_code, enough in refused.content.decode()) == (400, True)
    assert client.patch(f"/api/voice-profiles/{voice_id}/", {"name": "F"}, "application/json").status_code == 429
    assert selectors.profile(ada, voice_id).row.name == "Two"
    client.post(at(voice_id, "/consent/withdraw"))
    assert state(voice_id) == State.DRAFT
    assert client.post(at(voice_id, "/delete")).status_code == 302
    assert state(voice_id) == State.DELETED
