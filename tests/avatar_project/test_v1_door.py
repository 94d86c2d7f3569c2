"""The door of /v1: keys and their scopes, guests, strangers, how often, how many at once, how large."""

import asyncio
import json
from typing import Any

import pytest
from django.core.cache import cache
from pytest_django import Settings

from avatar_project.models import User
from avatar_project.openai_api import door, models, saying, voices
from inference.errors import EngineUnavailable
from tests.avatar_project.asking import Asker, a_key, error_of
from tests.fake_engines import FakeEngines

pytestmark = pytest.mark.django_db(transaction=True)
SPEECH = {"input": "Hello there.", "voice": "anna", "response_format": "pcm"}


@pytest.fixture
def engines(monkeypatch: pytest.MonkeyPatch) -> FakeEngines:
    fake = FakeEngines()
    for module in (saying, models, voices):
        monkeypatch.setattr(module, "engines", lambda: fake)
    cache.clear()
    return fake


@pytest.fixture
def asker(engines: FakeEngines) -> Asker:
    return Asker()


async def test_only_what_is_under_v1_is_taken(asker: Asker) -> None:
    assert (await asker.ask("GET", "/history"))[0] == 299
    status, _, body = await asker.ask("GET", "/v1/nothing", key=await a_key("chat"))
    assert (status, error_of(body)["code"]) == (404, "not_found")


async def test_a_key_opens_what_its_scopes_name(asker: Asker) -> None:
    audio, chat, reads = await a_key("audio"), await a_key("chat"), await a_key("conversations:read")
    assert (await asker.ask("POST", "/v1/audio/speech", SPEECH, key=audio))[0] == 200
    status, _, body = await asker.ask("POST", "/v1/audio/speech", SPEECH, key=chat)
    assert status == 403
    assert "audio" in error_of(body)["message"]
    assert (await asker.ask("GET", "/v1/models", key=audio))[0] == 200
    assert (await asker.ask("GET", "/v1/models", key=chat))[0] == 200
    assert (await asker.ask("GET", "/v1/models", key=reads))[0] == 403


async def test_without_a_key_only_names_of_voices_are_told(asker: Asker) -> None:
    for method, path in (("GET", "/v1/models"), ("POST", "/v1/audio/speech"), ("POST", "/v1/chat/completions")):
        status, headers, body = await asker.ask(method, path, SPEECH)
        assert status == 401
        assert headers["www-authenticate"].startswith("Bearer")
        assert error_of(body)["type"] == "authentication_error"
    status, _, body = await asker.ask("GET", "/v1/audio/voices")
    assert status == 200
    assert all(not voice["cloned"] for voice in json.loads(body)["voices"])
    assert not await User.objects.aexists()


async def test_any_key_is_a_guests_where_guests_are_admitted(asker: Asker, settings: Settings) -> None:
    settings.GUESTS_ADMITTED = True
    assert (await asker.ask("POST", "/v1/audio/speech", SPEECH, key="sk-any"))[0] == 200
    assert (await asker.ask("POST", "/v1/audio/speech", SPEECH, key="sk-any"))[0] == 200
    assert await User.objects.filter(is_guest=True).acount() == 1
    assert (await asker.ask("POST", "/v1/audio/speech", SPEECH, key="sk-any", server="192.0.2.7"))[0] == 401
    await User.objects.aupdate(is_active=False)
    assert (await asker.ask("POST", "/v1/audio/speech", SPEECH, key="sk-any"))[0] == 403
    settings.GUESTS_ADMITTED = False
    assert (await asker.ask("POST", "/v1/audio/speech", SPEECH, key="sk-other"))[0] == 401


async def test_a_key_of_a_blocked_person_opens_nothing(asker: Asker) -> None:
    key = await a_key("audio")
    await User.objects.aupdate(is_active=False)
    assert (await asker.ask("POST", "/v1/audio/speech", SPEECH, key=key))[0] == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "evil.example"}, 400),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "http://localhost"}, 200),
    ],
)
async def test_pages_of_other_sites_stay_outside(asker: Asker, headers: dict[str, str], status: int) -> None:
    assert (await asker.ask("POST", "/v1/audio/speech", SPEECH, key=await a_key("audio"), **headers))[0] == status


async def test_each_key_may_ask_so_often(asker: Asker, settings: Settings) -> None:
    settings.API_REQUESTS_PER_MINUTE = {**settings.API_REQUESTS_PER_MINUTE, "engines": 2}
    key, other = await a_key("audio"), await a_key("audio")
    answers = [await asker.ask("POST", "/v1/audio/speech", SPEECH, key=key) for _ in range(3)]
    assert [answer[0] for answer in answers] == [200, 200, 429]
    assert 0 < int(answers[2][1]["retry-after"]) <= 60
    assert error_of(answers[2][2])["type"] == "rate_limit_error"
    assert (await asker.ask("POST", "/v1/audio/speech", SPEECH, key=other))[0] == 200


async def test_each_key_may_have_so_many_running(asker: Asker, settings: Settings, engines: FakeEngines) -> None:
    settings.API_CALLS_EACH, settings.API_CALLS = 1, 2
    engines.voice.clear()
    keys = [await a_key("audio") for _ in range(3)]
    running = []
    for key in keys[:2]:
        raw = json.dumps(SPEECH).encode()
        running.append(asker.begin("POST", "/v1/audio/speech", raw, key=key))
        await running[-1].send_input({"type": "http.request", "body": raw})
        while asker.door.places._taken.total() < len(running):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    status, _, body = await asker.ask("POST", "/v1/audio/speech", SPEECH, key=keys[0])
    assert status == 503
    settings.API_CALLS = 3
    asker.door.places._most = 3
    status, _, body = await asker.ask("POST", "/v1/audio/speech", SPEECH, key=keys[0])
    assert (status, error_of(body)["code"]) == (429, "too_many_at_once")
    # Who hangs up gives the place back, and nothing goes on being spoken.
    for one in running:
        await one.send_input({"type": "http.disconnect"})
        await one.wait(10)
    assert asker.door.places._taken.total() == 0
    engines.voice.set()
    assert (await asker.ask("POST", "/v1/audio/speech", SPEECH, key=keys[0]))[0] == 200


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"{", "not what it should be"),
        (b'{"voice": "anna"}', "input"),
        ({"input": "  "}, "empty"),
        ({"input": "x" * 4097}, "4096"),
        ({"input": "Hi.", "speed": 9}, "speed"),
        ({"input": "Hi.", "response_format": "midi"}, "midi"),
        ({"input": "Hi.", "ref_audio": "data:audio/wav;base64,AAAA", "ref_text": "Hi."}, "consent"),
        ({"input": "Hi.", "avatar": {"quality": "best"}}, "best"),
        ({"input": "Hi.", "voice": 3}, "voice"),
        (b"[" * 100_000, "object"),
        (b'{"input": ' + b'{"a":' * 100_000, "str"),
        (b'{"input": "Hi.", "voice": ' + b'{"a":' * 100_000, "nested"),
    ],
)
async def test_a_wrong_request_for_speech_is_told_what_is_wrong(asker: Asker, body: Any, says: str) -> None:
    status, _, answer = await asker.ask("POST", "/v1/audio/speech", body, key=await a_key("audio"))
    assert status == 400
    assert says in error_of(answer)["message"]


async def test_what_cannot_be_spoken_is_told_so(asker: Asker, engines: FakeEngines) -> None:
    engines.seconds_per_letter = 0  # as a text of marks alone is to a voice
    status, _, answer = await asker.ask("POST", "/v1/audio/speech", {"input": "...!"}, key=await a_key("audio"))
    assert (status, error_of(answer)["param"]) == (400, "input")


async def test_what_an_answer_is_its_type_says(asker: Asker) -> None:
    key = await a_key("audio")
    for method, path in (("GET", "/v1/models"), ("POST", "/v1/audio/speech"), ("GET", "/v1/nothing")):
        _, headers, _ = await asker.ask(method, path, SPEECH, key=key)
        assert headers["x-content-type-options"] == "nosniff", path


async def test_too_large_a_body_is_refused(asker: Asker) -> None:
    key = await a_key("audio")
    status, _, _ = await asker.ask("POST", "/v1/audio/speech", b"x" * (2 * 1024 * 1024 + 1), key=key)
    assert status == 413
    # Also when it does not say how large it is.
    status, _, body = await asker.ask(
        "POST", "/v1/audio/speech", b"x" * (2 * 1024 * 1024 + 1), key=key, content_length=""
    )
    assert (status, error_of(body)["code"]) == (413, "too_large")


async def test_another_method_is_refused(asker: Asker) -> None:
    assert (await asker.ask("GET", "/v1/audio/speech", key=await a_key("audio")))[0] == 405
    assert (await asker.ask("POST", "/v1/models", key=await a_key("audio")))[0] == 405


async def test_an_engine_that_is_away_is_a_503_to_come_back_to(asker: Asker, engines: FakeEngines) -> None:
    engines.speech_error = EngineUnavailable("The engine is starting.")
    status, headers, body = await asker.ask("POST", "/v1/audio/speech", SPEECH, key=await a_key("audio"))
    assert (status, error_of(body)["code"]) == (503, "engine_unavailable")
    assert headers["retry-after"]


def test_the_door_leaves_room_for_a_form_around_the_largest_file() -> None:
    from avatar_project.openai_api.transcriptions import MOST_BYTES

    assert MOST_BYTES < door._MOST_UPLOAD


@pytest.mark.parametrize(
    ("more", "quality"),
    [
        ({}, "fast"),
        ({"model": "tts-1"}, "fast"),
        ({"model": "tts-1-hd"}, "fine"),
        ({"avatar": {"quality": "fine"}}, "fine"),
        ({"model": "tts-1-hd", "avatar": {"quality": "fast"}}, "fast"),
    ],
)
async def test_fast_or_fine_by_our_field_or_by_openais_names(asker: Asker, more: dict[str, Any], quality: str) -> None:
    _, headers, _ = await asker.ask("POST", "/v1/audio/speech", {**SPEECH, **more}, key=await a_key("audio"))
    assert headers["x-avatar-quality"] == quality
