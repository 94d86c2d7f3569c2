"""/livez, /readyz and /health: what answers, what is missing, and why."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from django.test import AsyncClient

from avatar_project import health
from conversations.log.errors import LogError
from inference.types import EngineStatus, HostStatus
from tests.fake_engines import FakeEngines

pytestmark = pytest.mark.django_db(transaction=True)
LOADING = EngineStatus("stt", "whisper-base", "loading", progress=0.4, detail="Loading whisper-base.")
FAILED = EngineStatus("chat", "qwen", "failed", detail="qwen does not run. Next try in 8 s.")
READY = EngineStatus("tts", "hibari", "ready")


class Engines(FakeEngines):
    """A host in a state that the test sets."""

    def __init__(self) -> None:
        super().__init__()
        self.state: HostStatus | None = None

    async def status(self) -> HostStatus:
        return self.state or await super().status()


@pytest.fixture
def engines(monkeypatch: pytest.MonkeyPatch) -> Engines:
    fake = Engines()
    monkeypatch.setattr(health, "engines", lambda: fake)
    return fake


async def ask(path: str) -> Any:
    return await AsyncClient().get(path)


async def test_everything_is_there(engines: Engines) -> None:
    engines.service = "no_clones"
    assert (await ask("/livez")).status_code == 200
    ready = await ask("/readyz")
    assert (ready.status_code, msgspec.json.decode(ready.content)) == (200, {"status": "ready", "reasons": []})
    answer = await ask("/health")
    told = msgspec.json.decode(answer.content)
    assert (answer.status_code, told["status"], told["database"], told["reasons"]) == (200, "ready", "ok", [])
    assert told["service"]["level"] == "no_clones"
    assert told["sessions"]["most"] == 5


async def test_each_missing_engine_is_a_reason(engines: Engines) -> None:
    engines.state = HostStatus(ready=False, engines=(LOADING, FAILED, READY))
    for path in ("/readyz", "/health"):
        answer = await ask(path)
        assert answer.status_code == 503
        assert msgspec.json.decode(answer.content)["reasons"] == [
            {"code": "engine_loading", "detail": "Loading whisper-base."},
            {"code": "engine_failed", "detail": "qwen does not run. Next try in 8 s."},
        ]
    assert (await ask("/livez")).status_code == 200


async def test_an_engine_host_that_is_away_is_the_reason(engines: Engines) -> None:
    engines.away = True
    answer = await ask("/readyz")
    assert answer.status_code == 503
    (reason,) = msgspec.json.decode(answer.content)["reasons"]
    assert reason["code"] == "engine_host_away"
    assert reason["detail"]


async def test_a_database_that_is_away_is_the_reason(engines: Engines, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away() -> None:
        raise LogError("The record cannot be read.")

    monkeypatch.setattr(health, "_database", away)
    answer = await ask("/readyz")
    assert answer.status_code == 503
    assert msgspec.json.decode(answer.content)["reasons"][0]["code"] == "database_away"
    assert (await ask("/livez")).status_code == 200


async def test_a_host_that_hangs_is_told_in_time(engines: Engines, monkeypatch: pytest.MonkeyPatch) -> None:
    import asyncio

    async def never() -> AsyncIterator[None]:
        await asyncio.Event().wait()
        yield

    monkeypatch.setattr(health, "ANSWER_WITHIN_S", 0.1)
    monkeypatch.setattr(engines, "status", lambda: anext(never()))
    answer = await ask("/readyz")
    assert msgspec.json.decode(answer.content)["reasons"][0]["code"] == "engine_host_away"
