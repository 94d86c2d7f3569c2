"""The CosyVoice worker against a checkout that only stands for CosyVoice: its calls, no model. None is at hand here."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from inference import config
from inference.choice import Placement
from inference.engine_settings import CosyVoice
from inference.errors import EngineError, EngineRefused, EngineUnavailable
from inference.host.changes import Changes
from inference.host.children.child import Child
from inference.host.host import new_scheduler
from inference.host.metrics import Metrics
from inference.host.speech.build import cosyvoice_spec
from inference.host.speech.speaker import SpeechAsk
from inference.host.speech.worker import WorkerSpeaker
from inference.types import WIRE_RATE, Reference
from tests.inference.contract_cosyvoice import contract_checkout

LOAD_S = 60.0


def reference(name: str = "voice", seconds: float = 3.0, language: str = "en") -> Reference:
    pcm = b"\1\0" * int(seconds * WIRE_RATE)
    return Reference.of(name, pcm, transcript="These are my words.", language=language)


class Running(msgspec.Struct):
    speaker: WorkerSpeaker
    child: Child
    checkout: Path

    @property
    def calls(self) -> list[dict[str, Any]]:
        lines = (self.checkout / "calls.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines]

    async def say(self, text: str, after: Reference | None = None, **more: Any) -> bytes:
        now = asyncio.get_running_loop().time()
        ask = SpeechAsk(
            text=text, language="en", reference=after or reference(), due=now, expires=now + 60, quality="fine"
        )
        pieces = self.speaker.speak(msgspec.structs.replace(ask, **more))
        return b"".join([piece async for piece in pieces])


@asynccontextmanager
async def running(folder: Path, *, timeout_s: int = 30, ready: bool = True, **own: Any) -> AsyncIterator[Running]:
    checkout = contract_checkout(folder / "checkout")
    cosyvoice = CosyVoice(checkout=checkout, python=sys.executable, timeout_s=timeout_s, **own)
    settings = msgspec.structs.replace(config.load(), cosyvoice=cosyvoice, data_dir=folder)
    spec = cosyvoice_spec(settings, Placement("cosyvoice", "cpu", 0, on_demand=True))
    child = Child(spec, Changes(), log_dir=folder)
    speaker = WorkerSpeaker(child, spec.languages, new_scheduler(2), Metrics(), silence_s=timeout_s + 5)
    task = asyncio.create_task(child.run())
    try:
        assert speaker.status.state == "unloaded"
        await speaker.load()
        if ready:
            await child.get_ready(LOAD_S)
        yield Running(speaker, child, checkout)
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_it_speaks_zero_shot_across_languages_and_as_told_and_keeps_the_speaker_warm(tmp_path: Path) -> None:
    async with running(tmp_path) as cosy:
        sound = await cosy.say("Good morning.")
        assert len(sound) / 2 == pytest.approx(0.6 * WIRE_RATE, abs=10)
        await cosy.say("Good morning again.", speed=1.5)
        await cosy.say("早安。", language="zh-TW")
        await cosy.say("Good morning.", instructions="Speak slowly.")
        await cosy.say("Good morning.", reference("another"))
        prompt = "You are a helpful assistant."
        words = f"{prompt}<|endofprompt|>These are my words."
        assert [(call["call"], call.get("text")) for call in cosy.calls] == [
            ("load", None),
            ("register", words),
            ("zero_shot", "Good morning."),
            ("zero_shot", "Good morning again."),
            ("cross_lingual", f"{prompt}<|endofprompt|>早安。"),
            ("instruction", f"{prompt} Speak slowly.<|endofprompt|>"),
            ("instruct", "Good morning."),
            ("register", words),
            ("zero_shot", "Good morning."),
        ]
        assert {seconds for call in cosy.calls for seconds in call.get("seconds", ())} == {3.0}
        assert [call["speed"] for call in cosy.calls if call["call"] == "zero_shot"] == [1.0, 1.5, 1.0]


async def test_a_speaker_that_is_forgotten_or_changed_is_not_kept(tmp_path: Path) -> None:
    async with running(tmp_path) as cosy:
        await cosy.say("One.", reference("a"))
        await cosy.say("Two.", reference("b"))
        await cosy.speaker.forget("a")
        await cosy.say("Three.", reference("b"))
        await cosy.say("Four.", reference("b", seconds=4.0))
        await cosy.say("Five.", reference("a"))
        assert [call["known"] for call in cosy.calls if call["call"] == "zero_shot"] == [1, 2, 1, 1, 2]


async def test_an_empty_answer_is_a_failure(tmp_path: Path) -> None:
    async with running(tmp_path) as cosy:
        with pytest.raises(EngineUnavailable, match="no sound"):
            await cosy.say("There is nothing to hear.")
        assert await cosy.say("Good morning.")


async def test_one_that_hangs_is_ended_and_comes_back(tmp_path: Path) -> None:
    async with running(tmp_path, timeout_s=1) as cosy:
        began = asyncio.get_running_loop().time()
        with pytest.raises(EngineUnavailable):
            await cosy.say("This will hang.")
        assert asyncio.get_running_loop().time() - began < 5
        await cosy.child.get_ready(LOAD_S)
        assert await cosy.say("Good morning.")
        assert cosy.child.starts == 2


async def test_one_that_breaks_tells_no_words(tmp_path: Path) -> None:
    async with running(tmp_path) as cosy:
        with pytest.raises(EngineError) as raised:
            await cosy.say("It will break at this secret.")
        await cosy.child.get_ready(LOAD_S)
        assert await cosy.say("Good morning.")
        assert "secret" not in raised.value.message
        assert "secret" not in (tmp_path / "cosyvoice.log").read_text()


async def test_hanging_up_stops_it_between_its_chunks(tmp_path: Path) -> None:
    async with running(tmp_path) as cosy:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await cosy.say("This is endless.")
        async with asyncio.timeout(2):
            assert await cosy.say("Good morning.")


async def test_too_long_a_reference_is_refused(tmp_path: Path) -> None:
    async with running(tmp_path) as cosy:
        with pytest.raises(EngineRefused, match="at most 30 s"):
            await cosy.say("Good morning.", reference(seconds=31))


async def test_missing_weights_are_told_before_anything_is_downloaded(tmp_path: Path) -> None:
    async with running(tmp_path, ready=False, model=str(tmp_path / "nowhere")) as cosy:
        async with asyncio.timeout(LOAD_S):
            while cosy.child.status.state != "failed":  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert "AVATAR_COSYVOICE_MODEL" in cosy.speaker.status.detail
