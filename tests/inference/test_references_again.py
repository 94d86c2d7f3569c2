"""A reference that the host no longer has, for want of room or because nobody spoke for long, is sent to it again."""

import asyncio

from inference.host.speech.references import References
from inference.types import Reference
from tests.inference.fake_speakers import FakeCloner, FakeWatermarker
from tests.inference.served import Cloning, Served, served

ADA, BOB = (
    Reference.of(name, bytes([number, 0]) * 72_000, transcript="These are my words.", language="en")
    for number, name in enumerate(("ada", "bob"), start=1)
)


async def speaks(host: Served, after: Reference) -> str:
    """In whose voice the sentence is, which has to be cloned."""
    async with host.client.speech("Hello there.", voice="anna", language="en", reference=after) as speech:
        assert [pcm async for pcm in speech]
        assert (speech.made.cloned, speech.made.fallback) == (True, "")
        return speech.made.voice


async def sent(host: Served) -> int:
    """How many references have come."""
    async with host.http.get("/metrics") as answer:
        lines = (await answer.text()).splitlines()
    return sum(int(line.split()[-1]) for line in lines if "/v1/audio/references/{reference}" in line)


async def test_one_that_gave_way_to_another_is_sent_again() -> None:
    fast = FakeCloner()
    async with served(cloning=Cloning(fast=fast, watermarker=FakeWatermarker())) as host:
        host.host.speech.references = References(most_bytes=200_000)  # room for one of them
        assert [await speaks(host, who) for who in (ADA, BOB, ADA, ADA)] == ["ada", "bob", "ada", "ada"]
        assert await sent(host) == 3
    assert [ask.reference for ask in fast.asked] == [ADA, BOB, ADA, ADA]


async def test_one_that_went_while_nobody_spoke_is_sent_again() -> None:
    async with served(cloning=Cloning(fast=FakeCloner(), watermarker=FakeWatermarker())) as host:
        references = host.host.speech.references = References(idle_s=0.2)
        await speaks(host, ADA)
        async with asyncio.timeout(10):
            while references.kept:  # noqa: ASYNC110 - the clock's work
                await asyncio.sleep(0.05)
        assert await speaks(host, ADA) == "ada"
        assert await sent(host) == 2
