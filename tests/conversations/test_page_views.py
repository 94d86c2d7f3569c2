"""The pages over HTTP: who sees what, in which language, under which policy."""

import json

import pytest
from django.test import Client

from avatar_project.models import User
from conversations import views
from inference import catalogue
from inference.errors import EngineUnavailable
from inference.types import EngineStatus, HostStatus, VoiceInfo

pytestmark = pytest.mark.django_db


class HostThatSays:
    """An engine host whose answer is known."""

    def __init__(self, status: HostStatus | None) -> None:
        self._status = status

    async def status(self) -> HostStatus:
        if self._status is None:
            raise EngineUnavailable("It does not answer.")
        return self._status


@pytest.fixture
def client() -> Client:
    client = Client()
    client.force_login(User.objects.create_user("ada"))
    return client


def test_the_start_page_leads_to_the_conversation(client: Client) -> None:
    assert client.get("/").headers["Location"] == "/chat"


def test_a_stranger_is_asked_to_sign_in_where_guests_are_not_admitted(settings: object) -> None:
    settings.GUESTS_ADMITTED = False  # type: ignore[attr-defined]
    for path in ("/chat", "/chat/status"):
        answer = Client().get(path)
        assert (answer.status_code, answer.headers["Location"]) == (302, f"/accounts/login/?next={path}")


def test_the_page_runs_no_inline_script_and_no_inline_style(client: Client) -> None:
    answer = client.get("/chat")
    body = answer.content.decode()
    assert answer.status_code == 200
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert "style=" not in body
    assert "<style" not in body
    assert " onclick" not in body
    assert body.count("<script") == body.count("<script src=") + body.count('type="module" src=') + 1
    assert "//" not in body.replace("http://www.w3.org", "").split("<body")[0].replace("<!doctype", "")


@pytest.mark.parametrize(
    ("language", "tag", "word"),
    [("en", "en", "Start talking"), *((tag, "zh-Hant", "開始說話") for tag in ("zh-TW", "zh", "zh-Hant-HK", "zh-CN"))],
)
def test_it_speaks_the_browsers_language(client: Client, language: str, tag: str, word: str) -> None:
    body = client.get("/chat", headers={"accept-language": language}).content.decode()
    assert f'<html lang="{tag}">' in body
    assert word in body


def test_the_words_of_the_scripts_need_no_sign_in() -> None:
    answer = Client().get("/chat/words.js", headers={"accept-language": "zh-TW"})
    assert answer.status_code == 200
    assert json.dumps("聆聽中") in answer.content.decode()


def test_the_status_names_what_is_there_and_what_could_be(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = EngineStatus(kind="chat", model="smollm2-135m-instruct", state="ready", languages=("en",))
    voice = VoiceInfo(id="heart", name="Heart", engine="hibari", languages=("en",))
    host = HostStatus(ready=True, engines=(engine,), voices=(voice,))
    monkeypatch.setattr(views, "engines", lambda: HostThatSays(host))
    monkeypatch.setattr(catalogue, "is_installed", lambda entry: entry.embedded)
    answer = client.get("/chat/status").json()
    assert answer["host"]["voices"][0]["id"] == "heart"
    assert answer["small_chat_model"] is True
    offered = {offer["model"]: offer["kind"] for offer in answer["offers"]}
    assert offered["kokoro"] == "tts"
    assert offered["qwen2.5-1.5b-instruct"] == "chat"
    assert "smollm2-135m-instruct" not in offered


def test_a_host_that_does_not_answer_is_an_answer(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "engines", lambda: HostThatSays(None))
    answer = client.get("/chat/status")
    assert answer.status_code == 200
    assert answer.json()["host"] is None


def test_only_reading_is_allowed(client: Client) -> None:
    assert client.post("/chat/status").status_code == 405


def test_an_unknown_address_says_so(client: Client) -> None:
    answer = client.get("/nothing-here")
    assert answer.status_code == 404
    assert "There is no page here" in answer.content.decode()


def test_signing_in_with_the_wrong_password_says_so() -> None:
    User.objects.create_user("ada", password="right")
    answer = Client().post("/accounts/login/", {"username": "ada", "password": "wrong"})
    assert "do not go together" in answer.content.decode()
    answer = Client().post("/accounts/login/", {"username": "ada", "password": "right", "next": "/chat"})
    assert answer.headers["Location"] == "/chat"
