"""Speech servers by URL: what they are asked, and every way in which they fail. They are stood for by a contract."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest

from inference.engine_settings import SpeechServer
from inference.errors import EngineUnavailable
from inference.host.changes import Changes
from inference.host.routes import listener
from inference.host.speech.server import ServerSpeaker
from inference.host.speech.server_answers import Voices, voices_of
from inference.types import EngineState, Reference, SpeechMade
from tests.inference.fake_engines import FakeTts
from tests.inference.fake_speakers import FakeWatermarker
from tests.inference.served import Cloning, Served, served
from tests.inference.speech_server import KEY, ContractServer, frames_of

REFERENCE = Reference.of("voice-1", b"\1\0" * 72_000, transcript="These are my words.", language="en")
MODEL = "FunAudioLLM/Fun-CosyVoice3-0.5B-2512"


@asynccontextmanager
async def with_server(
    *,
    omni: bool,
    key: str = KEY,
    silence_s: float = 30.0,
    wait_for: EngineState = "ready",
    names: tuple[str, ...] = ("vivian", "uncle_fu"),
) -> AsyncIterator[tuple[Served, ContractServer]]:
    async with ContractServer(names).serving() as server:
        settings = SpeechServer(engine="url", url=server.url, omni=omni, api_key=key)
        speaker = ServerSpeaker(settings, Changes(), variable="AVATAR_FINE_SPEECH", silence_s=silence_s)
        who = Cloning(fine=speaker, watermarker=FakeWatermarker())
        async with served(tts=FakeTts([b"\1\0" * 2400]), cloning=who, loaded=False) as host:
            async with asyncio.timeout(10):
                while speaker.status.state != wait_for or not host.host.registry.voices:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            yield host, server


async def said(host: Served, *, reference: Reference | None = None, voice: str = "vivian") -> tuple[SpeechMade, bytes]:
    async with host.client.speech(
        "Hello there.", voice=voice, language="en", reference=reference, quality="fine"
    ) as speech:
        return speech.made, b"".join([pcm async for pcm in speech])


async def test_vllm_omni_gets_the_reference_with_its_words_and_streams_pcm() -> None:
    async with with_server(omni=True) as (host, server):
        made, sound = await said(host, reference=REFERENCE)
    assert made == SpeechMade("vllm-omni", MODEL, "voice-1", cloned=True, watermarked=True, quality="fine")
    assert len(sound) == 3 * 4800
    [asked] = server.asked
    assert frames_of(asked.pop("ref_audio")) == (24_000, REFERENCE.pcm)
    assert asked == {
        "model": MODEL,
        "input": "Hello there.",
        "response_format": "pcm",
        "stream": True,
        "stream_format": "audio",
        "task_type": "Base",
        "ref_text": "These are my words.",
    }


@pytest.mark.parametrize("omni", [False, True])
async def test_its_own_voices_can_be_chosen_but_not_what_somebody_uploaded_there(omni: bool) -> None:
    async with with_server(omni=omni) as (host, server):
        assert [voice.id for voice in (await host.client.status()).voices] == ["anna", "mei", "vivian", "uncle_fu"]
        made, _ = await said(host)
        assert (made.voice, made.cloned, made.engine) == ("vivian", False, "vllm-omni" if omni else "url")
        assert server.asked[0]["voice"] == "vivian"
        made, _ = await said(host, voice="anna")
        assert (made.voice, made.engine) == ("anna", "fake-tts")


async def test_what_another_avatar_lists_of_people_is_not_offered_to_everybody_here() -> None:
    told = {
        "id": "0b8f3a52-0000-4000-8000-000000000001",
        "name": "Ada",
        "languages": ["en"],
        "cloned": True,
        "own": True,
    }
    listed = [{"id": "hibari-us", "name": "Heart", "languages": ["en"], "cloned": False}, told]
    voices = msgspec.convert({"object": "list", "voices": listed, "data": listed}, Voices)
    assert [voice.id for voice in voices_of(voices, "tts-1", "url")] == ["hibari-us"]


async def test_a_voice_that_both_have_is_the_fine_servers_for_who_asks_for_fine_speech_and_is_stood_in_for() -> None:
    async with with_server(omni=False, names=("anna",)) as (host, server):
        made, _ = await said(host, voice="anna")
        assert (made.engine, made.voice, made.quality, made.fallback) == ("url", "anna", "fine", "")
        async with host.client.speech("Hello there.", voice="anna", language="en") as speech:
            assert (speech.made.engine, speech.made.quality) == ("fake-tts", "fast")
        server.fault = "refuses"
        made, sound = await said(host, voice="anna")
        assert (made.engine, made.voice, made.quality, made.fallback) == ("fake-tts", "anna", "fast", "engine_failed")
        assert sound


async def test_a_server_that_is_no_vllm_omni_is_not_taken_to_clone() -> None:
    async with with_server(omni=False) as (host, server):
        assert (await host.client.status()).cloning == ()
        made, _ = await said(host, reference=REFERENCE)
    assert made.fallback == "cloning_unavailable"
    assert not any("ref_audio" in asked for asked in server.asked)


async def test_another_rate_becomes_ours() -> None:
    async with with_server(omni=True) as (host, server):
        server.rate = 44_100
        _, sound = await said(host, reference=REFERENCE)
    assert len(sound) / 2 == pytest.approx(0.3 * 24_000, abs=2)


@pytest.mark.parametrize("fault", ["refuses", "empty", "json", "away", "hangs"])
async def test_a_server_that_fails_before_its_first_sound_is_stood_in_for(fault: str) -> None:
    async with with_server(omni=True, silence_s=0.5) as (host, server):
        server.fault = fault
        made, sound = await said(host, reference=REFERENCE, voice="anna")
        assert (made.voice, made.cloned, made.fallback) == ("anna", False, "cloning_unavailable")
        assert sound


async def test_a_reference_is_not_sent_on_to_another_server() -> None:
    async with with_server(omni=True) as (host, server), ContractServer().serving() as other:
        server.fault, server.elsewhere = "elsewhere", f"{other.url}/v1/audio/speech"
        made, sound = await said(host, reference=REFERENCE, voice="anna")
        assert (made.voice, made.cloned, made.fallback) == ("anna", False, "cloning_unavailable")
        assert sound
        assert (len(server.asked), other.asked) == (1, [])
        assert host.host.speech.fine is not None
        assert "another address. Check AVATAR_FINE_SPEECH." in host.host.speech.fine.status.detail


async def test_a_connection_that_broke_once_is_tried_again() -> None:
    async with with_server(omni=True) as (host, server):
        server.fault, server.faults = "breaks at once", 1
        made, _ = await said(host, reference=REFERENCE)
        assert made.cloned
        assert len(server.asked) == 2


async def test_one_that_breaks_off_in_mid_sentence_is_told() -> None:
    async with with_server(omni=True) as (host, server):
        server.fault = "breaks"
        with pytest.raises(EngineUnavailable):
            await said(host, reference=REFERENCE)


async def test_its_voice_is_stood_in_for_when_it_goes_away() -> None:
    async with with_server(omni=False) as (host, server):
        server.fault = "away"
        made, sound = await said(host)
    assert (made.voice, made.fallback) == ("anna", "engine_failed")
    assert sound


async def test_hanging_up_reaches_the_server() -> None:
    async with with_server(omni=True) as (host, server):
        server.pieces = 10_000
        async with host.client.speech("Hello.", voice="", language="en", reference=REFERENCE) as speech:
            await anext(aiter(speech))
        async with asyncio.timeout(5):
            await server.hung_up.wait()


async def test_who_does_not_read_does_not_keep_it_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "NOT_TAKEN_S", 0.3)
    async with with_server(omni=True) as (host, server):
        server.pieces = 10_000
        async with host.client.speech("Hello.", voice="", language="en", reference=REFERENCE) as sound:
            assert sound.made.cloned
            async with asyncio.timeout(20):
                await server.hung_up.wait()


async def test_a_wrong_key_and_a_server_that_is_not_there_are_told_with_what_to_do() -> None:
    speaker = ServerSpeaker(
        SpeechServer(engine="url", url="http://127.0.0.1:1", omni=True), Changes(), variable="AVATAR_FAST_SPEECH"
    )
    running = asyncio.create_task(speaker.run())
    async with asyncio.timeout(10):
        while speaker.status.state == "loading":  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    running.cancel()
    assert "Check AVATAR_FAST_SPEECH." in speaker.status.detail
    async with with_server(omni=True, key="wrong") as (host, _):
        made, _ = await said(host, reference=REFERENCE)
        assert not made.cloned
