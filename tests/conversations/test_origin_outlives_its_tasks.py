"""The record of a cloned sentence is ended also when the session's tasks are ending with it."""

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from typing import Any

from conversations.realtime.borrowing import Borrowed, Utterance
from conversations.realtime.speaking import Origin
from inference.types import Reference, SpeechMade

MADE = SpeechMade(engine="f5", model="f5", voice="v", cloned=True, watermarked=True)


class Notebook:
    """A lender that only writes down."""

    def __init__(self) -> None:
        self.ended: list[tuple[bytes, bool]] = []

    async def lend(self, person_id: str, voice_id: str) -> Borrowed:
        raise NotImplementedError

    def stopped(self, person_id: str, voice: Borrowed) -> AsyncGenerator[str, None]:
        raise NotImplementedError

    async def opened(self, utterance: Utterance) -> None:
        """Nothing is asked of it."""

    async def closed(self, utterance: Utterance, pcm: bytes, *, complete: bool) -> None:
        await asyncio.sleep(0.01)
        self.ended.append((pcm, complete))


class Over(Exception):
    """Ends the session's tasks."""


async def test_a_sentence_that_is_cut_off_by_the_end_of_the_session_has_its_end_recorded() -> None:
    lender = Notebook()
    voice = Borrowed("v", Reference.of("v", bytes(48_000), transcript="words", language="en"), owner_id="1")
    speaking = asyncio.Event()
    origins: list[Origin] = []

    async def sentence(origin: Origin) -> None:
        utterance = await origin.open(voice, MADE)
        try:
            speaking.set()
            await asyncio.sleep(60)
        finally:
            origin.close(utterance, b"half", complete=False)

    try:
        async with asyncio.TaskGroup() as tasks:

            def start(work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
                return tasks.create_task(work, name=name)

            origins.append(Origin(lender, speaker_id="1", conversation_id="c", start=start))
            tasks.create_task(sentence(origins[0]))
            await speaking.wait()
            raise Over
    except* Over:
        pass
    await origins[0].settled()
    assert lender.ended == [(b"half", False)]
