"""A transcription is told segment by segment, and one that had to step back goes on where it was."""

import asyncio
import threading
import time
from itertools import pairwise
from typing import Any

import aiohttp
import msgspec
import pytest

from inference import catalogue
from inference.audio.pcm import from_float
from inference.audio.wav import encode_wav
from inference.engines.base import Audio, Cancelled, Hearing
from inference.engines.whisper import WhisperEngine
from inference.relay import Relay
from inference.types import STT_RATE, Segment, Transcript
from tests.inference.fake_engines import FakeStt
from tests.inference.served import served
from tests.inference.spoken import english, joined, silence

pytestmark = pytest.mark.models
SAID = ("The train to the city leaves in the morning.", "My sister lives by the sea.", "Tomorrow it will rain all day.")


@pytest.fixture(scope="module")
def engine() -> WhisperEngine:
    engine = WhisperEngine(catalogue.locate("whisper-base"), 2)
    engine.load(lambda _: None)
    return engine


def recording() -> Audio:
    """Three sentences, so far apart that each is a window of its own."""
    return joined(*(part for said in SAID for part in (english(said), silence(2.5))))


def test_segments_are_told_in_their_order_and_make_up_the_text(engine: WhisperEngine) -> None:
    told: list[Segment] = []
    hearing = Hearing(tell=told.append)
    whole = engine.transcribe(recording(), language="en", words=True, hearing=hearing)
    assert len(told) == 3
    assert hearing.joiner.join(segment.text for segment in told) == whole.text
    assert tuple(told) == whole.segments
    assert all(before.end_s <= after.start_s for before, after in pairwise(told))
    for segment, said in zip(told, SAID, strict=True):
        assert said.split()[-1].strip(".") in segment.text


def test_an_interrupted_one_goes_on_where_it_was(engine: WhisperEngine) -> None:
    told: list[Segment] = []
    hearing = Hearing(tell=told.append)
    first = engine.transcribe(recording(), language=None, cancelled=lambda: len(told) >= 1, hearing=hearing)
    assert len(told) == 1
    assert "morning" in first.text
    whole = engine.transcribe(recording(), language=None, hearing=hearing)
    assert len(told) == 3
    assert whole.text == engine.transcribe(recording(), language="en").text


async def test_the_host_streams_what_it_hears() -> None:
    engine = WhisperEngine(catalogue.locate("whisper-base"), 2)
    file = encode_wav(from_float(recording()), rate=STT_RATE)
    async with served(stt=engine) as host:  # type: ignore[arg-type]  # a real one
        relay = Relay(host.client.url)
        pieces = [piece async for piece in relay.transcribe_as_heard(file, language="en", prompt=None, due_in_s=0.0)]
        await relay.close()
        form = aiohttp.FormData(default_to_multipart=True)
        form.add_field("file", file, filename="a.wav")
        form.add_field("response_format", "verbose_json")
        async with host.http.post("/v1/audio/transcriptions", data=form) as answer:
            segments = msgspec.json.decode(await answer.read())["segments"]
    whole = pieces.pop()
    assert isinstance(whole, Transcript)
    assert len(pieces) == 3
    assert "".join(str(piece) for piece in pieces) == whole.text
    assert [segment["start"] for segment in segments] == [segment.start_s for segment in whole.segments]


class Interrupted(FakeStt):
    """Hears one window, then nothing until it is told to stop; notes where each call began."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[int] = []
        self.began = threading.Event()

    def transcribe(self, audio: Audio, *, cancelled: Cancelled, hearing: Hearing, **_: Any) -> Transcript:
        self.calls.append(hearing.windows)
        hearing.windows += 1
        self.began.set()
        while len(self.calls) == 1 and not cancelled():
            time.sleep(0.005)
        return Transcript(text=f"{hearing.windows} windows", language="en", duration_s=1.0)


@pytest.mark.timeout(30)
async def test_a_recording_steps_back_for_a_conversation_and_goes_on() -> None:
    stt = Interrupted()
    file = encode_wav(bytes(2 * STT_RATE), rate=STT_RATE)
    async with served(stt=stt) as host:
        relay = Relay(host.client.url)
        recording = asyncio.create_task(relay.transcribe(file, language="en", prompt=None, words=False, due_in_s=5.0))
        assert await asyncio.to_thread(stt.began.wait, 10)
        assert (await host.client.transcribe(bytes(2 * STT_RATE), language="en")).text == "1 windows"
        assert (await recording).text == "2 windows"
        await relay.close()
    assert stt.calls == [0, 0, 1]
