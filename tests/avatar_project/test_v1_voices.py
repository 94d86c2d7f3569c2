"""Borrowed voices for programs: only for who may use them, with a record of origin, and silent once taken back."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.core.cache import cache

from avatar_project.openai_api import models, saying, voices
from conversations.log.errors import LogTimeout
from inference.audio import fingerprint
from inference.types import WIRE_RATE
from tests.avatar_project.asking import Asker, a_key, error_of
from tests.fake_engines import FakeEngines
from tests.voices import making
from voices import services
from voices.models import Utterance

pytestmark = pytest.mark.django_db(transaction=True)
TEXT = "This is a sentence that takes some seconds to be spoken aloud, for whoever wants to listen to all of it."


class Halting(FakeEngines):
    """Stops after the first slice of a sentence until it may go on."""

    def __init__(self) -> None:
        super().__init__()
        self.on = asyncio.Event()
        self.on.set()

    @asynccontextmanager
    async def speech(self, text: str, **more: Any) -> AsyncIterator[Any]:
        async with super().speech(text, **more) as speech:
            made, on = speech.made, self.on
            speech._pcm = making.pcm(len(speech._pcm) / 2 / WIRE_RATE)  # noise, which has a fingerprint

            class Halted:
                def __init__(self) -> None:
                    self.made = made

                async def __aiter__(self) -> AsyncIterator[bytes]:
                    async for pcm in speech:
                        yield pcm
                        await on.wait()

            yield Halted()


@pytest.fixture
def engines(monkeypatch: pytest.MonkeyPatch) -> Halting:
    fake = Halting()
    for module in (saying, models, voices):
        monkeypatch.setattr(module, "engines", lambda: fake)
    cache.clear()
    return fake


@pytest.fixture
def asker(engines: Halting) -> Asker:
    return Asker()


@pytest.fixture
def ada() -> Any:
    return making.person("ada")


@pytest.fixture
def bob() -> Any:
    return making.person("bob")


def speech(voice: Any) -> dict[str, Any]:
    return {"input": TEXT, "voice": voice, "response_format": "pcm"}


make = sync_to_async


async def test_the_list_has_ones_own_and_what_is_shared(asker: Asker, ada: Any, bob: Any) -> None:
    mia = await make(making.person)("mia", "approve_voice")
    own = await make(making.usable)(ada, "Mine")
    shared = await make(making.shared)(bob, mia, "Everybody's")
    await make(making.usable)(bob, "Bob's own")
    await make(making.draft)(ada, "Not ready")
    _, _, body = await asker.ask("GET", "/v1/audio/voices", key=await a_key("audio"))
    listed = {voice["id"]: voice for voice in json.loads(body)["voices"]}
    assert {"anna", "mei"} <= set(listed)
    assert {key for key, voice in listed.items() if voice["cloned"]} == {own, shared}
    assert (listed[own]["name"], listed[own]["own"], listed[shared]["own"]) == ("Mine", True, False)


@pytest.mark.parametrize("form", ["name", "object"])
async def test_ones_own_voice_speaks_and_its_origin_is_recorded(
    asker: Asker, engines: Halting, ada: Any, form: str
) -> None:
    own = await make(making.usable)(ada)
    voice = own if form == "name" else {"id": own}
    status, headers, sound = await asker.ask("POST", "/v1/audio/speech", speech(voice), key=await a_key("audio"))
    assert status == 200
    assert (headers["x-avatar-cloned"], headers["x-avatar-watermarked"]) == ("True", "True")
    assert headers["x-avatar-voice"] == own, "what was asked for, not the sample's name between us and the engines"
    reference = engines.references[-1]
    assert reference is not None
    assert reference.transcript == making.TRANSCRIPT
    (record,) = [row async for row in Utterance.objects.all()]
    assert (record.voice, record.owner, record.speaker, record.door) == (own, str(ada.pk), str(ada.pk), "api")
    assert record.duration_ms == round(len(sound) / 2 / WIRE_RATE * 1000)
    assert (record.complete, record.watermarked) == (True, True)
    assert record.fingerprint == fingerprint.compute(sound) != ""


async def test_another_voice_is_a_404_and_nothing_is_said(asker: Asker, engines: Halting, ada: Any, bob: Any) -> None:
    key = await a_key("audio")
    his = await make(making.usable)(bob)
    mine = await make(making.usable)(ada)
    await make(services.withdraw_consent)(mine, actor=ada)
    for voice in (his, mine, "00000000-0000-0000-0000-000000000000"):
        status, _, body = await asker.ask("POST", "/v1/audio/speech", speech(voice), key=key)
        assert (status, error_of(body)["code"], error_of(body)["param"]) == (404, "voice_not_found", "voice")
    assert engines.spoken == []
    assert not await Utterance.objects.aexists()


async def test_a_voice_taken_back_falls_silent_in_mid_sentence(asker: Asker, engines: Halting, ada: Any) -> None:
    own = await make(making.usable)(ada)
    engines.on.clear()
    raw = json.dumps(speech(own)).encode()
    asked = asker.begin("POST", "/v1/audio/speech", raw, key=await a_key("audio"))
    await asked.send_input({"type": "http.request", "body": raw})
    assert (await asked.receive_output(10))["status"] == 200
    assert (await asked.receive_output(10))["body"]
    await make(services.withdraw_consent)(own, actor=ada)
    # The watch looks at least every two seconds; the order that comes through the engine host is its own affair.
    await asyncio.sleep(2.5)
    engines.on.set()
    rest = b""
    while (message := await asked.receive_output(10)).get("more_body"):
        rest += message["body"]
    await asked.wait(10)
    assert len(rest) <= 4800
    record = await Utterance.objects.aget()
    assert record.complete is False
    assert record.duration_ms is not None
    assert record.duration_ms < len(TEXT) * 20


async def test_an_engine_that_dies_in_mid_sentence_ends_the_answer_and_the_record(
    asker: Asker, engines: Halting, ada: Any
) -> None:
    own = await make(making.usable)(ada)
    engines.speech_dies.append(0.5)
    status, _, sound = await asker.ask("POST", "/v1/audio/speech", speech(own), key=await a_key("audio"))
    assert status == 200
    assert len(sound) == WIRE_RATE
    record = await Utterance.objects.aget()
    assert (record.complete, record.duration_ms) == (False, 500)


async def test_events_say_that_the_sound_is_not_whole(asker: Asker, engines: Halting) -> None:
    engines.speech_dies.append(0.5)
    asked = {**speech("anna"), "stream_format": "sse"}
    _, _, body = await asker.ask("POST", "/v1/audio/speech", asked, key=await a_key("audio"))
    events = [json.loads(line[6:]) for line in body.split(b"\n\n") if line]
    assert "error" in events[-1]
    assert all(event["type"] == "speech.audio.delta" for event in events[:-1])


async def test_while_the_record_cannot_be_asked_it_is_the_server_s_fault(
    asker: Asker, ada: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lend(person_id: str, voice_id: str) -> None:
        raise LogTimeout("The database does not answer.")

    own = await make(making.usable)(ada)
    monkeypatch.setattr(voices.lender, "lend", lend)
    status, headers, body = await asker.ask("POST", "/v1/audio/speech", speech(own), key=await a_key("audio"))
    assert (status, error_of(body)["code"]) == (503, "busy")
    assert headers["retry-after"]
