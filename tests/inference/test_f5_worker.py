"""F5-TTS' real package in the environment that its requirements make, with random weights: its sound is noise."""

import asyncio
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import msgspec
import numpy as np
import psutil
import pytest

from inference import config
from inference.choice import Placement
from inference.engine_settings import F5
from inference.errors import EngineUnavailable
from inference.host.changes import Changes
from inference.host.children.child import Child
from inference.host.host import new_scheduler
from inference.host.metrics import Metrics
from inference.host.speech.build import f5_spec
from inference.host.speech.speaker import SpeechAsk
from inference.host.speech.worker import WorkerSpeaker
from inference.speech.sound import TARGET_RMS_DB, speech_rms_db
from inference.types import WIRE_RATE, Reference
from inference.workers.speech import SpeakBody
from tests.engine_host import ROOT, wait_for
from tests.engines import f5_settings, python_of

pytestmark = [pytest.mark.engines]
LOAD_S = 120.0
LONG = "We are going to the market to buy apples and pears. " * 4


def reference(seconds: float = 5.0, transcript: str = "This is what was said in the sample.") -> Reference:
    noise = np.random.default_rng(1).normal(0, 3000, int(seconds * WIRE_RATE)).astype("<i2")
    return Reference.of("voice", noise.tobytes(), transcript=transcript, language="en")


@pytest.fixture(scope="module")
def settings() -> Iterator[config.Config]:
    """Of a host that clones by the tiny F5."""
    told = f5_settings()
    f5 = F5(
        model=told["AVATAR_F5_MODEL"],
        checkpoint=told["AVATAR_F5_CHECKPOINT"],
        vocabulary=told["AVATAR_F5_VOCABULARY"],
        vocoder=told["AVATAR_F5_VOCODER"],
        nfe_step=32,
    )
    with tempfile.TemporaryDirectory(prefix="avatar-f5-") as folder:
        yield msgspec.structs.replace(config.load(), f5=f5, data_dir=Path(folder), threads=2)


@pytest.fixture(scope="module")
def worker(settings: config.Config) -> Iterator[psutil.Process]:
    """The worker as the host starts it, without a host."""
    spec = f5_spec(settings, Placement("f5", "cpu", 0))
    socket = spec.address.socket
    assert socket is not None
    socket.parent.mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen(
        [python_of("f5-cpu"), *spec.argv],
        stdin=subprocess.PIPE,
        env={**os.environ, **spec.env, "PYTHONPATH": str(ROOT)},
    )
    try:
        wait_for(lambda: process.poll() is not None or is_ready(socket), "the load", LOAD_S)
        assert process.poll() is None
        yield psutil.Process(process.pid)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(20) == 0
        assert not socket.exists()


def is_ready(socket: Path) -> bool:
    async def ask() -> bool:
        async with (
            aiohttp.ClientSession("http://f5", connector=aiohttp.UnixConnector(str(socket))) as http,
            http.get("/health") as answer,
        ):
            return bool((await answer.json())["state"] == "ready")

    return socket.exists() and asyncio.run(ask())


@asynccontextmanager
async def asked(settings: config.Config, text: str, after: Reference) -> AsyncIterator[aiohttp.ClientResponse]:
    socket = f5_spec(settings, Placement("f5", "cpu", 0)).address.socket
    body = msgspec.msgpack.encode(SpeakBody(text=text, language="en", reference=after))
    async with (
        aiohttp.ClientSession("http://f5", connector=aiohttp.UnixConnector(str(socket))) as http,
        http.post("/speech", data=body) as answer,
    ):
        yield answer


async def said(settings: config.Config, text: str, after: Reference) -> bytes:
    async with asked(settings, text, after) as answer:
        assert answer.status == 200
        return await answer.read()


async def test_it_speaks_at_the_common_loudness_on_one_core_and_asks_no_network(
    settings: config.Config, worker: psutil.Process
) -> None:
    before, began = worker.cpu_times(), time.monotonic()
    pcm = await said(settings, "Good morning to all of you. Yes. It is a very fine day today.", reference())
    took, after = time.monotonic() - began, worker.cpu_times()
    samples = np.frombuffer(pcm, "<i2").astype(np.float32) / np.float32(32768)
    assert len(samples) > 2 * WIRE_RATE
    assert speech_rms_db(samples) == pytest.approx(TARGET_RMS_DB, abs=3)
    assert (after.user + after.system - before.user - before.system) / took < 1.4
    assert worker.net_connections("inet") == []
    assert worker.memory_info().rss < 1.5e9


async def test_after_a_sample_of_one_word_in_many_seconds_it_speaks_at_a_pace_that_speech_can_have(
    settings: config.Config, worker: psutil.Process
) -> None:
    text = "We are going to the market to buy apples and pears and bread"
    pcm = await said(settings, text, reference(12, "Yes."))
    assert 10 < len(pcm) / 2 / WIRE_RATE < 20


async def test_hanging_up_stops_it_between_its_steps(settings: config.Config, worker: psutil.Process) -> None:
    began = time.monotonic()
    assert len(await said(settings, LONG, reference())) > 10 * WIRE_RATE
    whole_s = time.monotonic() - began
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(whole_s / 20), asked(settings, LONG, reference()) as answer:
            await answer.read()
    before, began = worker.cpu_times().user, time.monotonic()
    await asyncio.sleep(whole_s / 4)
    computed_s = worker.cpu_times().user - before
    assert computed_s < whole_s / 8, "it went on with a sentence that nobody waits for"


async def test_what_it_cannot_take_is_refused_in_words(settings: config.Config, worker: psutil.Process) -> None:
    async with asked(settings, "Good morning to all of you.", reference(21)) as answer:
        assert answer.status == 400
        assert "at most 20 s" in (await answer.json())["error"]["message"]
    async with asked(settings, "...", reference()) as answer:
        assert (answer.status, await answer.read()) == (200, b"")


async def test_killed_in_mid_sentence_it_comes_back_and_speaks(settings: config.Config) -> None:
    own = msgspec.structs.replace(settings, data_dir=settings.data_dir / "own")
    spec, changes, scheduler = f5_spec(own, Placement("f5", "cpu", 0)), Changes(), new_scheduler(2)
    child = Child(spec, changes, log_dir=own.data_dir)
    speaker = WorkerSpeaker(child, ("en",), scheduler, Metrics(), silence_s=60, cores=1)
    running = asyncio.create_task(child.run())
    try:
        await child.get_ready(LOAD_S)
        now = asyncio.get_running_loop().time()
        ask = SpeechAsk(text=LONG, language="en", reference=reference(), due=now, expires=now + 600)
        pieces = speaker.speak(ask)
        assert await anext(pieces)
        for pid in child.pids:
            if "inference.workers.f5" in psutil.Process(pid).cmdline():
                os.kill(pid, signal.SIGKILL)
        with pytest.raises(EngineUnavailable, match="in the middle of a sentence"):
            async for _ in pieces:
                pass
        assert child.status.state == "loading"
        assert not any(scheduler.in_use().values())
        await child.get_ready(LOAD_S)
        now = asyncio.get_running_loop().time()
        again = msgspec.structs.replace(ask, text="Good morning to all of you.", due=now, expires=now + 600)
        assert sum([len(piece) async for piece in speaker.speak(again)]) > WIRE_RATE
        assert child.starts == 2
    finally:
        running.cancel()
        await asyncio.wait([running])
    assert not child.pids
