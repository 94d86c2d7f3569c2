"""The real watermark in its own process: put in while sound streams, found again after Opus, away when it is killed."""

import asyncio
import tempfile
import time
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path

import msgspec
import numpy as np
import psutil
import pytest
import pytest_asyncio

from inference import config
from inference.choice import Choice
from inference.engines.hibari import HibariEngine
from inference.errors import EngineUnavailable
from inference.host.changes import Changes
from inference.host.children.child import Children
from inference.host.watermark.build import build_watermark
from inference.host.watermark.watermark import PRESENT, Watermark
from inference.types import WIRE_RATE
from tests.engines import python_of
from tests.inference.sound_files import opus_again

pytestmark = [pytest.mark.models, pytest.mark.engines, pytest.mark.asyncio(loop_scope="module")]

SENTENCES = (
    "The quick brown fox jumps over the lazy dog near the river.",
    "I would like to book a table for two people tonight, please.",
    "My brother works as a teacher in a small village school.",
)
START_S = 120.0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def watermark() -> AsyncIterator[Watermark]:
    """Started as in a host that clones."""
    python_of("watermark")
    with tempfile.TemporaryDirectory(prefix="avatar-") as folder:
        settings = msgspec.structs.replace(config.load(), data_dir=Path(folder))
        children = Children()
        watermark = build_watermark(settings, Choice("embedded", "f5", "none"), Changes(), children)
        supervising = asyncio.create_task(children.run())
        await watermark.child.get_ready(START_S)
        yield watermark
        supervising.cancel()
        await asyncio.wait([supervising])


@pytest.fixture(scope="module")
def speech() -> tuple[bytes, ...]:
    """PCM16 at WIRE_RATE, a sentence each."""
    hibari = HibariEngine()
    hibari.load(lambda _: None)
    return tuple(b"".join(hibari.synthesize(text, voice="hibari-us", language="en", speed=1.0)) for text in SENTENCES)


async def in_pieces(pcm: bytes, seconds: float = 0.2) -> AsyncGenerator[bytes]:
    size = int(seconds * WIRE_RATE) * 2
    for at in range(0, len(pcm), size):
        yield pcm[at : at + size]


async def marked(watermark: Watermark, pcm: bytes) -> bytes:
    return b"".join([piece async for piece in watermark.marked(in_pieces(pcm))])


def rms(samples: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(samples.astype(float)))))


async def test_a_marked_sentence_is_as_long_sounds_alike_and_is_found(
    watermark: Watermark, speech: tuple[bytes, ...]
) -> None:
    for plain in speech:
        sound = await marked(watermark, plain)
        assert len(sound) == len(plain)
        was, now = (np.frombuffer(pcm, "<i2").astype(float) for pcm in (plain, sound))
        assert rms(now - was) < rms(was) / 4  # 12 dB below: measured 15 dB
        assert rms(now) == pytest.approx(rms(was), rel=0.1)
        assert (await watermark.find(in_pieces(sound))).confidence > 0.98
        assert (await watermark.find(in_pieces(plain))).confidence < 0.3


async def test_after_opus_at_16_kbits_one_second_is_enough(watermark: Watermark, speech: tuple[bytes, ...]) -> None:
    for plain in speech:
        coded = opus_again(await marked(watermark, plain), 16_000)
        assert (await watermark.find(in_pieces(coded))).present
        for second in range(int(len(coded) / 2 / WIRE_RATE)):
            cut = coded[second * WIRE_RATE * 2 : (second + 1) * WIRE_RATE * 2]
            assert (await watermark.find(in_pieces(cut))).confidence >= PRESENT
        assert not (await watermark.find(in_pieces(opus_again(plain, 16_000)))).present


async def test_one_marked_sentence_is_found_in_a_long_recording(
    watermark: Watermark, speech: tuple[bytes, ...]
) -> None:
    own = (speech[0] + speech[1]) * 2
    found = await watermark.find(in_pieces(own + await marked(watermark, speech[2]) + own))
    assert found.present
    assert 0 < found.share < 0.5
    assert not (await watermark.find(in_pieces(own * 2))).present


async def test_silence_carries_nothing_and_stays_silent(watermark: Watermark) -> None:
    silence = bytes(3 * WIRE_RATE * 2)
    sound = await marked(watermark, silence)
    assert len(sound) == len(silence)
    assert np.abs(np.frombuffer(sound, "<i2")).max() < 4
    assert (await watermark.find(in_pieces(sound))).confidence == 0.0


@pytest.mark.parametrize("samples", [0, 1, 100, 5_000, 24_017])
async def test_the_shortest_sounds_pass_through(watermark: Watermark, speech: tuple[bytes, ...], samples: int) -> None:
    cut = speech[0][20_000 : 20_000 + samples * 2]
    assert len(await marked(watermark, cut)) == len(cut)


async def test_the_first_sound_comes_before_the_last_has_been_given(
    watermark: Watermark, speech: tuple[bytes, ...]
) -> None:
    given = 0

    async def counted() -> AsyncGenerator[bytes]:
        nonlocal given
        async for piece in in_pieces(speech[0], 0.1):
            given += 1
            yield piece

    sound = watermark.marked(counted())
    began = time.monotonic()
    first = await anext(sound)
    assert time.monotonic() - began < 2  # measured: 0.04 s
    assert first
    assert given <= 8
    await sound.aclose()


async def test_leaving_closes_what_was_marked(watermark: Watermark, speech: tuple[bytes, ...]) -> None:
    closed = False

    async def endless() -> AsyncGenerator[bytes]:
        nonlocal closed
        try:
            while True:
                yield speech[0]
        finally:
            closed = True

    sound = watermark.marked(endless())
    await anext(sound)
    await sound.aclose()
    assert closed


async def test_killed_in_mid_sentence_nothing_unmarked_leaves_and_it_comes_back(
    watermark: Watermark, speech: tuple[bytes, ...]
) -> None:
    sound = watermark.marked(in_pieces(speech[0] * 10))
    await anext(sound)
    for pid in watermark.child.pids:
        if "inference.workers.watermark" in psutil.Process(pid).cmdline():
            psutil.Process(pid).kill()
    with pytest.raises(EngineUnavailable):
        async for _ in sound:
            pass
    with pytest.raises(EngineUnavailable):
        await anext(watermark.marked(in_pieces(speech[0])))
    await watermark.child.get_ready(START_S)
    assert (await watermark.find(in_pieces(await marked(watermark, speech[0])))).present


async def test_loaded_for_a_search_alone_it_is_unloaded_when_idle(speech: tuple[bytes, ...], tmp_path: Path) -> None:
    settings = msgspec.structs.replace(config.load(), data_dir=tmp_path)
    children = Children()
    child = build_watermark(settings, Choice("embedded", "none", "none"), Changes(), children).child
    watermark = Watermark(child, idle_s=0.2, look_s=0.1)
    tasks = [asyncio.create_task(children.run()), asyncio.create_task(watermark.run())]

    def unloaded() -> bool:
        return watermark.status.state == "unloaded"

    try:
        assert unloaded()
        assert not (await watermark.find(in_pieces(speech[0]))).present
        assert child.pids
        async with asyncio.timeout(15):
            while not unloaded():  # noqa: ASYNC110 - told to people, not to code
                await asyncio.sleep(0.1)
        assert not child.pids
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
