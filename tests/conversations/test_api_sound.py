"""The sound of a turn over REST: whole, in ranges, only one's own, and gone when it was erased."""

from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from conversations.log import keys
from conversations.log.audio import AudioStore
from conversations.log.eventlog import event_log
from conversations.log.keys import KeyRing
from conversations.log.models import Purpose
from conversations.streams import stream_of
from tests.conversations.api_helpers import client_of, person, record, started, turn

pytestmark = pytest.mark.django_db(transaction=True)
SOUND = b"OggS" + bytes(range(256)) * 300


@pytest.fixture
def ada() -> Any:
    return person("ada")


@pytest.fixture
def conversation(ada: Any, settings: Settings, tmp_path: Path) -> str:
    settings.DATA_DIR = tmp_path
    conversation_id = started(ada)

    def key() -> Any:
        return KeyRing.load(stream_of(conversation_id), ["t1"]).data_key("t1", Purpose.SOUND, create=True)

    audio_id = AudioStore(tmp_path / "audio").write(event_log().write_now(key), SOUND)
    record(conversation_id, "t1", *turn(audio_id=audio_id))
    return conversation_id


def address(conversation: str, number: int = 1, side: str = "user") -> str:
    return f"/api/conversations/{conversation}/turns/{number}/audio/{side}/"


def body(answer: Any) -> bytes:
    return b"".join(answer)  # waits for an asynchronous stream, too


def test_whole(ada: Any, conversation: str) -> None:
    answer = client_of(ada).get(address(conversation), headers={"accept": "audio/*"})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "audio/ogg"
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert body(answer) == SOUND


@pytest.mark.parametrize(("asked", "start", "stop"), [("0-99", 0, 100), ("70000-", 70000, None), ("-5", -5, None)])
def test_a_range(ada: Any, conversation: str, asked: str, start: int, stop: int | None) -> None:
    answer = client_of(ada).get(address(conversation), headers={"range": f"bytes={asked}"})
    assert answer.status_code == 206
    assert body(answer) == SOUND[start:stop]
    assert answer.headers["Content-Range"].endswith(f"/{len(SOUND)}")


def test_a_range_beyond_the_end_is_a_problem(ada: Any, conversation: str) -> None:
    answer = client_of(ada).get(address(conversation), headers={"range": "bytes=999999-"})
    assert answer.status_code == 416
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Content-Range"] == f"bytes */{len(SOUND)}"


def test_what_has_not_changed_is_not_sent_again(ada: Any, conversation: str) -> None:
    client = client_of(ada)
    etag = client.get(address(conversation)).headers["ETag"]
    assert client.get(address(conversation), headers={"if-none-match": etag}).status_code == 304


@pytest.mark.parametrize(("number", "side"), [(1, "reply"), (2, "user"), (1, "nobody")])
def test_what_is_not_there(ada: Any, conversation: str, number: int, side: str) -> None:
    assert client_of(ada).get(address(conversation, number, side)).status_code == 404


def test_anothers_and_nobodys(conversation: str) -> None:
    assert client_of(person("eve")).get(address(conversation)).status_code == 404
    assert Client().get(address(conversation)).status_code == 401


def test_erased_sound_is_gone(ada: Any, conversation: str) -> None:
    event_log().write_now(lambda: keys.destroy(stream_of(conversation), "t1"))
    answer = client_of(ada).get(address(conversation))
    assert answer.status_code == 404
    assert answer.json()["code"] == "no_sound"
