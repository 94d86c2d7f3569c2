"""A voice that is not the one asked for is told as such, and why: unknown, not there yet, or of another language."""

import pytest

from inference.types import SpeechMade
from tests.engine_host import RunningHost
from tests.inference.fake_speakers import FakeCloner
from tests.inference.served import Cloning, Served, served


async def said(host: Served, voice: str, language: str = "en") -> tuple[str, str]:
    async with host.client.speech("Hello there.", voice=voice, language=language) as speech:
        assert [pcm async for pcm in speech]
        return speech.made.voice, speech.made.fallback


async def test_who_gets_the_voice_they_asked_for_or_asked_for_none_is_told_nothing() -> None:
    async with served() as host:
        assert await said(host, "anna") == ("anna", "")
        assert await said(host, "") == ("anna", "")
        assert await said(host, "", "zh-TW") == ("mei", "")


async def test_a_voice_that_nobody_has_is_unknown() -> None:
    async with served() as host:
        assert await said(host, "alloy") == ("anna", "voice_unknown")
        async with host.http.get("/metrics") as answer:
            assert 'fallback="voice_unknown"} 1' in await answer.text()


async def test_a_voice_that_does_not_speak_the_language_is_named_for_that() -> None:
    async with served() as host:
        assert await said(host, "anna", "zh-TW") == ("mei", "language_not_spoken")


@pytest.mark.parametrize("state", ["loading", "failed"])
async def test_while_an_engine_with_voices_is_away_it_may_be_one_of_its(state: str) -> None:
    server = FakeCloner("url")
    async with served(cloning=Cloning(fine=server)) as host:
        assert await said(host, "vivian") == ("anna", "voice_unknown")
        server.state = state  # type: ignore[assignment]
        assert await said(host, "vivian") == ("anna", "voice_not_ready")


@pytest.mark.models
async def test_the_real_voices_say_so_too(engine_host: RunningHost) -> None:
    async with engine_host.client() as client, client.speech("Good day.", voice="alloy", language="en") as speech:
        assert [pcm async for pcm in speech]
        made: SpeechMade = speech.made
    assert (made.engine, made.voice) == ("hibari", "hibari-us")
    assert made.fallback in {"voice_unknown", "voice_not_ready"}
