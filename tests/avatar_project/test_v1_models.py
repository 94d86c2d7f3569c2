"""Which models a program is told of, under their own names and under those that it came with."""

import json

import pytest
from django.core.cache import cache

from avatar_project.openai_api import models
from tests.avatar_project.asking import Asker, a_key, error_of
from tests.fake_engines import FakeEngines

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def asker(monkeypatch: pytest.MonkeyPatch) -> Asker:
    fake = FakeEngines()
    monkeypatch.setattr(models, "engines", lambda: fake)
    cache.clear()
    return Asker()


async def test_a_model_answers_under_its_own_name(asker: Asker) -> None:
    status, _, body = await asker.ask("GET", "/v1/models/fake-stt", key=await a_key("audio"))
    assert status == 200
    told = json.loads(body)
    assert (told["id"], told["kind"]) == ("fake-stt", "stt")
    assert "root" not in told


@pytest.mark.parametrize(
    ("name", "model", "kind"),
    [
        ("default", "fake-chat", "chat"),
        ("whisper-1", "fake-stt", "stt"),
        ("gpt-4o-mini-transcribe", "fake-stt", "stt"),
        ("tts-1", "fake-tts", "tts"),
        ("tts-1-hd", "fake-tts", "tts"),
        ("gpt-4o-mini-tts", "fake-tts", "tts"),
    ],
)
async def test_a_usual_name_is_answered_for_and_says_by_whom(asker: Asker, name: str, model: str, kind: str) -> None:
    status, _, body = await asker.ask("GET", f"/v1/models/{name}", key=await a_key("audio"))
    assert status == 200
    told = json.loads(body)
    assert (told["id"], told["root"], told["kind"]) == (name, model, kind)


async def test_any_other_name_is_told_which_there_are(asker: Asker) -> None:
    status, _, body = await asker.ask("GET", "/v1/models/gpt-5", key=await a_key("chat"))
    error = error_of(body)
    assert (status, error["code"]) == (404, "model_not_found")
    for name in ("gpt-5", "fake-chat", "fake-stt", "fake-tts", "whisper-1"):
        assert name in error["message"]


async def test_the_list_has_only_what_is_really_there(asker: Asker) -> None:
    _, _, body = await asker.ask("GET", "/v1/models", key=await a_key("chat"))
    assert [model["id"] for model in json.loads(body)["data"]] == ["fake-chat", "fake-stt", "fake-tts"]
