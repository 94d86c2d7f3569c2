"""A host that clones in earnest: F5-TTS' real package (random weights) and the real watermark, each in its process."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress

import psutil
import pytest

from inference.client import EngineClient
from inference.errors import EngineUnavailable, VoiceStopped
from inference.types import WIRE_RATE, HostStatus, Reference, SpeechMade
from tests.engine_host import RunningHost, running_host
from tests.engines import f5_settings, python_of

pytestmark = [pytest.mark.models, pytest.mark.engines]
LOAD_S = 180.0
WORDS = "This is what I say in my own voice, so that it can be lent."
TEXT = "We are going to the market to buy apples and pears, and then we are going home again."
LONG = f"{TEXT} " * 6


@pytest.fixture(scope="module")
def host() -> Iterator[RunningHost]:
    python_of("watermark")
    with running_host({**f5_settings(), "AVATAR_F5_NFE_STEP": "32"}) as host:
        asyncio.run(clones(host))
        yield host


async def clones(host: RunningHost) -> HostStatus:
    """Returns once both of its engines are ready."""

    def there(status: HostStatus) -> bool:
        states = {engine.model: engine.state for engine in status.engines}
        return [states.get(model) for model in ("tiny", "perth", "hibari")] == ["ready"] * 3

    status: HostStatus | None = None
    with suppress(TimeoutError):
        async with host.client() as client, asyncio.timeout(LOAD_S):
            async for status in client.watch_status():
                if there(status):
                    return status
    raise AssertionError(f"it does not clone: {status}")


async def reference(client: EngineClient, name: str = "mine") -> Reference:
    pcm = b"".join([piece async for piece in client.speak(WORDS, voice="hibari-gb", language="en")])
    return Reference.of(name, pcm, transcript=WORDS, language="en")


async def said(client: EngineClient, after: Reference, text: str = TEXT) -> tuple[SpeechMade, bytes]:
    async with client.speech(text, voice="", language="en", reference=after) as speech:
        return speech.made, b"".join([pcm async for pcm in speech])


def process_of(host: RunningHost, module: str) -> psutil.Process:
    children = psutil.Process(host.process.pid).children(recursive=True)
    return next(child for child in children if module in child.cmdline() and "keeper" not in " ".join(child.cmdline()))


async def test_a_cloned_sentence_carries_the_watermark_and_an_embedded_one_does_not(host: RunningHost) -> None:
    async with host.client() as client:
        assert (await client.status()).cloning == ("fast",)
        mine = await reference(client)
        made, sound = await said(client, mine)
        assert made == SpeechMade("f5", "tiny", "mine", cloned=True, watermarked=True)
        assert len(sound) > 2 * WIRE_RATE
        assert (await client.detect_watermark(sound)).present
        assert not (await client.detect_watermark(mine.pcm)).present


async def test_five_who_speak_at_once_share_it(host: RunningHost) -> None:
    async with host.client() as client:
        after = [await reference(client, f"of {number}") for number in range(5)]
        answers = await asyncio.gather(*(said(client, mine, "Good morning to all of you.") for mine in after))
        assert [made.voice for made, _ in answers] == [f"of {number}" for number in range(5)]
        assert all(made.cloned and len(sound) > WIRE_RATE for made, sound in answers)


async def test_killed_in_mid_sentence_another_voice_speaks_until_it_is_back(host: RunningHost) -> None:
    async with host.client() as client:
        mine = await reference(client)
        async with client.speech(LONG, voice="", language="en", reference=mine) as speech:
            pieces = aiter(speech)
            await anext(pieces)
            process_of(host, "inference.workers.f5").kill()
            with pytest.raises(EngineUnavailable):
                async for _ in pieces:
                    pass
        made, sound = await said(client, mine)
        assert (made.cloned, made.fallback) == (False, "cloning_unavailable")
        assert sound
        await clones(host)
        assert (await said(client, mine))[0].cloned


async def test_killed_while_a_sentence_is_awaited_the_sentence_is_spoken_all_the_same(host: RunningHost) -> None:
    async with host.client() as client:
        mine = await reference(client)
        await said(client, mine, "Good morning to all of you.")
        task = asyncio.create_task(said(client, mine))
        await asyncio.sleep(0.3)
        process_of(host, "inference.workers.f5").kill()
        made, sound = await task
        assert (made.cloned, made.fallback) == (False, "cloning_unavailable")
        assert len(sound) > WIRE_RATE
        await clones(host)


async def test_without_the_watermark_it_does_not_clone(host: RunningHost) -> None:
    async with host.client() as client:
        mine = await reference(client)
        process_of(host, "inference.workers.watermark").kill()
        made, sound = await said(client, mine)
        assert not made.cloned
        assert made.fallback in {"watermark_unavailable", "cloning_unavailable"}
        assert sound
        await clones(host)
        assert (await said(client, mine))[0].watermarked


async def test_a_voice_that_is_taken_back_is_silent_within_a_second(host: RunningHost) -> None:
    async with host.client() as client:
        mine = await reference(client, "taken back")
        async with client.speech(LONG, voice="", language="en", reference=mine) as speech:
            pieces = aiter(speech)
            await anext(pieces)
            async with asyncio.timeout(1):
                await client.forget_reference("taken back")
                with pytest.raises(EngineUnavailable):
                    async for _ in pieces:
                        pass
        with pytest.raises(VoiceStopped):
            await said(client, mine)
        assert (await said(client, await reference(client, "another")))[0].cloned
