"""Who says a sentence: cloned or not, fast or fine, who stands in for whom, and that nothing unmarked is heard."""

import asyncio

import msgspec
import pytest
import structlog

from inference.errors import AudioRefused, EngineError, EngineRefused, EngineUnavailable, VoiceStopped
from inference.host.speech.references import References
from inference.types import Quality, Reference, SpeechMade
from tests.inference.fake_engines import FakeTts
from tests.inference.fake_speakers import SECOND, FakeCloner, FakeGate, FakeWatermarker
from tests.inference.served import Cloning, Served, served

REFERENCE = Reference.of("voice-1", b"\1\0" * 72_000, transcript="These are my words.", language="en")
MARKED = SECOND[:-2] + b"\x77\x00"


async def said(
    host: Served, reference: Reference | None = REFERENCE, *, quality: Quality = "fast", language: str = "en"
) -> tuple[SpeechMade, bytes]:
    async with host.client.speech(
        "Hello there.", voice="anna", language=language, reference=reference, quality=quality
    ) as speech:
        return speech.made, b"".join([pcm async for pcm in speech])


def cloning(**who: object) -> Cloning:
    return Cloning(**{"fast": FakeCloner(), "watermarker": FakeWatermarker(), **who})  # type: ignore[arg-type]


async def test_a_reference_is_sent_once_and_spoken_after_with_the_mark() -> None:
    fast = FakeCloner()
    async with served(cloning=cloning(fast=fast)) as host:
        for _ in range(2):
            made, sound = await said(host)
            assert sound == MARKED * 2
        async with host.http.get("/metrics") as answer:
            puts = [line for line in (await answer.text()).splitlines() if "references" in line]
    assert made == SpeechMade("f5", "f5-model", "voice-1", cloned=True, watermarked=True)
    assert [ask.reference for ask in fast.asked] == [REFERENCE, REFERENCE]
    assert puts == ['avatar_requests_total{route="/v1/audio/references/{reference}",outcome="ok"} 1']


async def test_another_content_under_the_same_id_is_sent_again() -> None:
    fast = FakeCloner()
    corrected = Reference.of("voice-1", REFERENCE.pcm, transcript="These were my words.", language="en")
    async with served(cloning=cloning(fast=fast)) as host:
        await said(host)
        await said(host, corrected)
    assert [ask.reference for ask in fast.asked] == [REFERENCE, corrected]


async def test_without_the_watermark_nothing_cloned_is_heard() -> None:
    watermarker, fast = FakeWatermarker(), FakeCloner()
    watermarker.state = "failed"
    for who in (cloning(fast=fast, watermarker=None), cloning(fast=fast, watermarker=watermarker)):
        async with served(tts=FakeTts([SECOND]), cloning=who) as host:
            made, sound = await said(host)
            assert made == SpeechMade("fake-tts", "fake-tts", "anna", fallback="watermark_unavailable")
            assert sound == SECOND
            assert (await host.client.status()).cloning == ()
    assert fast.asked == []


async def test_when_the_watermark_ends_in_the_first_sound_no_engine_says_it_again_for_nothing() -> None:
    watermarker, fast, fine = FakeWatermarker(), FakeCloner(), FakeCloner("cosyvoice")
    watermarker.dies = True
    async with served(cloning=cloning(fast=fast, fine=fine, watermarker=watermarker)) as host:
        made, sound = await said(host)
        assert (made.voice, made.cloned, made.fallback) == ("anna", False, "watermark_unavailable")
        assert sound
    assert (len(fast.asked), len(fine.asked)) == (1, 0)


@pytest.mark.parametrize("state", ["loading", "failed", "unloaded", "absent"])
async def test_a_cloning_engine_that_is_away_is_stood_in_for(state: str) -> None:
    fast = FakeCloner()
    async with served(cloning=cloning(fast=fast)) as host:
        fast.state = state  # type: ignore[assignment]
        made, _ = await said(host)
        async with host.http.get("/metrics") as answer:
            counted = 'avatar_sentences_total{engine="fake-tts",fallback="cloning_unavailable"} 1'
            assert counted in await answer.text()
    assert (made.voice, made.cloned, made.fallback) == ("anna", False, "cloning_unavailable")


async def test_the_log_says_how_and_where_a_speaker_failed_and_no_words() -> None:
    fast = FakeCloner()
    fast.faults = [EngineError("Perhaps somebody's words.")]
    with structlog.testing.capture_logs() as lines:
        async with served(cloning=cloning(fast=fast)) as host:
            await said(host)
    failed = next(line for line in lines if line["event"] == "speaker_failed")
    assert (failed["engine"], failed["code"], failed["kind"]) == ("f5", "engine_error", "EngineError")
    assert failed["place"].startswith("fake_speakers.py:")
    assert "words" not in str(failed)


async def test_a_host_that_does_not_clone_says_so() -> None:
    async with served() as host:
        made, sound = await said(host)
    assert (made.voice, made.cloned, made.fallback) == ("anna", False, "cloning_unavailable")
    assert sound


async def test_a_language_that_the_engine_does_not_speak() -> None:
    async with served(cloning=cloning(fast=FakeCloner(languages=("en",)))) as host:
        made, _ = await said(host, language="zh-TW")
    assert (made.voice, made.fallback) == ("mei", "language_not_spoken")


async def test_an_engine_that_dies_before_its_first_sound_is_asked_once_more_when_it_answers_again() -> None:
    fast = FakeCloner()
    fast.faults = [EngineUnavailable("It ended.")]
    async with served(cloning=cloning(fast=fast)) as host:
        made, sound = await said(host)
        assert (made.cloned, sound) == (True, MARKED * 2)
        fast.faults = [EngineUnavailable("It ended."), EngineUnavailable("It ended.")]
        made, _ = await said(host)
    assert (made.voice, made.cloned, made.fallback) == ("anna", False, "cloning_unavailable")
    assert len(fast.asked) == 4


@pytest.mark.parametrize("fault", [EngineError("The engine failed."), EngineRefused("The reference is too long.")])
async def test_a_sentence_that_the_engine_cannot_say_is_said_by_another_voice(fault: EngineError) -> None:
    fast = FakeCloner()
    fast.faults = [fault]
    async with served(cloning=cloning(fast=fast)) as host:
        made, _ = await said(host)
    assert (made.voice, made.fallback) == ("anna", "cloning_unavailable")
    assert len(fast.asked) == 1


async def test_an_engine_that_dies_in_mid_sentence_breaks_it_off() -> None:
    fast = FakeCloner()
    fast.faults, fast.before_fault = [EngineUnavailable("It ended.")], 1
    async with served(cloning=cloning(fast=fast)) as host:
        async with host.client.speech("Hello.", voice="anna", language="en", reference=REFERENCE) as speech:
            assert speech.made.cloned
            with pytest.raises(EngineUnavailable):
                async for _ in speech:
                    pass
        assert (await said(host))[0].cloned


async def test_forgetting_a_reference_stops_it_in_mid_sentence_and_for_good() -> None:
    fast = FakeCloner(pieces=1000)
    fast.go_on.clear()
    async with served(cloning=cloning(fast=fast)) as host:
        async with host.client.speech("Hello.", voice="anna", language="en", reference=REFERENCE) as speech:
            pieces = aiter(speech)
            await anext(pieces)
            began = asyncio.get_running_loop().time()
            await host.client.forget_reference("voice-1")
            with pytest.raises(EngineUnavailable):
                async for _ in pieces:
                    pass
            assert asyncio.get_running_loop().time() - began < 1
        async with asyncio.timeout(5):
            await fast.closed.wait()
        assert fast.forgotten == ["voice-1"]
        with pytest.raises(VoiceStopped):
            await said(host)
        other = Reference.of("voice-2", REFERENCE.pcm, transcript="x", language="en")
        fast.go_on.set()
        fast.pieces = 2
        assert (await said(host, other))[0].cloned


async def test_forgetting_a_reference_leaves_the_voice_that_stands_in_for_it_to_its_sentence() -> None:
    async with (
        served(tts=FakeTts([SECOND] * 100)) as host,  # more than the socket takes at once
        host.client.speech("Hello.", voice="anna", language="en", reference=REFERENCE) as speech,
    ):
        assert speech.made.fallback == "cloning_unavailable"
        pieces = aiter(speech)
        got = len(await anext(pieces))
        await host.client.forget_reference("voice-1")
        async for piece in pieces:
            got += len(piece)
    assert got == 100 * len(SECOND)


async def test_fine_is_loaded_when_it_is_wanted_and_fast_speaks_meanwhile() -> None:
    fine, gate = FakeCloner("cosyvoice"), FakeGate()
    async with served(cloning=cloning(fine=fine, gate=gate)) as host:
        fine.state = "unloaded"
        assert (await host.client.status()).cloning == ("fast", "fine")
        assert (await said(host))[0].engine == "f5"
        assert fine.loads == 0
        made, _ = await said(host, quality="fine")
        assert (made.engine, made.quality, made.fallback) == ("f5", "fast", "")
        assert fine.loads == 1
        fine.state = "ready"
        made, _ = await said(host, quality="fine")
        assert (made.engine, made.quality) == ("cosyvoice", "fine")
        assert (await said(host))[0].engine == "f5"
    assert [name for name in gate.used if name != "watermark"] == ["f5", "f5", "cosyvoice", "f5"]


async def test_without_room_fine_is_not_loaded() -> None:
    fine, gate = FakeCloner("cosyvoice"), FakeGate()
    async with served(cloning=cloning(fine=fine, gate=gate)) as host:
        fine.state, gate.permits = "unloaded", False
        assert (await said(host, quality="fine"))[0].engine == "f5"
    assert fine.loads == 0


async def test_only_a_fine_engine_clones_for_the_fast_too() -> None:
    async with served(cloning=cloning(fast=None, fine=FakeCloner("vllm-omni"))) as host:
        made, _ = await said(host)
    assert (made.engine, made.cloned) == ("vllm-omni", True)


async def test_when_memory_is_short_clones_give_way_and_then_all_speech() -> None:
    gate, fast = FakeGate(), FakeCloner()
    async with served(cloning=cloning(fast=fast, gate=gate)) as host:
        gate.allows_clones = False
        made, _ = await said(host)
        assert (made.voice, made.fallback) == ("anna", "no_clones")
        gate.allows_speech = False
        with pytest.raises(EngineUnavailable, match="text only"):
            await said(host, None)
    assert fast.asked == []


async def test_hanging_up_stops_a_cloned_sentence() -> None:
    fast = FakeCloner(pieces=10_000)
    async with served(cloning=cloning(fast=fast)) as host:
        async with host.client.speech("Hello.", voice="anna", language="en", reference=REFERENCE) as speech:
            await anext(aiter(speech))
        async with asyncio.timeout(5):
            await fast.closed.wait()


@pytest.mark.parametrize(
    "reference",
    [
        msgspec.structs.replace(REFERENCE, pcm=b"\0" * 99_999),
        msgspec.structs.replace(REFERENCE, pcm=b"\0\0" * 1_000),
        msgspec.structs.replace(REFERENCE, pcm=b"\0\0" * 24_000 * 61),
        msgspec.structs.replace(REFERENCE, transcript=" "),
        msgspec.structs.replace(REFERENCE, transcript="x" * 2_001),
    ],
)
async def test_a_wrong_reference_is_refused(reference: Reference) -> None:
    async with served(cloning=cloning()) as host:
        with pytest.raises(AudioRefused):
            await said(host, reference)


async def test_references_stay_within_their_bound_the_least_used_give_way() -> None:
    references = References(most_bytes=350_000)
    made = [Reference.of(f"v{n}", b"\1\0" * 72_000, transcript="x", language="en") for n in range(3)]
    references.put(made[0])
    references.put(made[1])
    references.get("v0", made[0].digest)
    references.put(made[2])
    assert references.get("v0", made[0].digest) == made[0]
    with pytest.raises(EngineRefused, match="Send it"):
        references.get("v1", made[1].digest)


async def test_references_that_nobody_uses_are_gone_after_a_while() -> None:
    references = References(idle_s=0.2)
    used, left = (Reference.of(name, b"\1\0" * 72_000, transcript="x", language="en") for name in ("used", "left"))
    references.put(used)
    references.put(left)
    for _ in range(4):
        await asyncio.sleep(0.1)
        assert references.get("used", used.digest) == used
    assert list(references._kept) == ["used"]
    await asyncio.sleep(0.5)
    assert not references._kept


def test_a_reference_shows_neither_words_nor_sound() -> None:
    assert repr(REFERENCE) == "Reference('voice-1', 3.0 s)"
