"""Sound is made ahead of who listens: the engine is free early, within bounds of memory and of time."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from inference.errors import EngineUnavailable
from inference.host.errors import NotTaken
from inference.host.routes import listener, speech
from inference.host.speech.eagerly import eagerly
from tests.inference.fake_engines import FakeTts
from tests.inference.served import served

PIECE = b"\1\0" * 500


class Maker:
    """Makes ``count`` pieces, then fails if it is to."""

    def __init__(self, count: int, *, fails: bool = False) -> None:
        self.count = count
        self.fails = fails
        self.made = 0
        self.ended = asyncio.Event()

    async def pieces(self) -> AsyncGenerator[bytes]:
        try:
            while self.made < self.count:
                self.made += 1
                yield PIECE
                await asyncio.sleep(0)
            if self.fails:
                raise EngineUnavailable("It died.")
        finally:
            self.ended.set()


async def listen(ahead: AsyncGenerator[bytes], taken: list[bytes], pause_s: float = 0.0) -> None:
    async for piece in ahead:
        taken.append(piece)
        await asyncio.sleep(pause_s)


async def test_the_engine_is_free_before_the_listener_has_heard_it_all() -> None:
    maker = Maker(20)
    ahead = eagerly(maker.pieces(), most_bytes=20 * len(PIECE))
    assert await anext(ahead) == PIECE
    async with asyncio.timeout(5):
        await maker.ended.wait()
    assert [piece async for piece in ahead] == [PIECE] * 19


async def test_what_is_ahead_is_bounded_in_bytes_and_the_engine_goes_on_when_some_is_taken() -> None:
    maker = Maker(100)
    ahead = eagerly(maker.pieces(), most_bytes=5 * len(PIECE), wait_s=30.0)
    taken = []
    async for piece in ahead:
        taken.append(piece)
        for _ in range(20):
            await asyncio.sleep(0)
        assert maker.made - len(taken) <= 6
    assert len(taken) == 100


async def test_an_engine_that_is_too_far_ahead_waits_so_long_altogether_and_no_longer() -> None:
    maker = Maker(100)
    ahead = eagerly(maker.pieces(), most_bytes=5 * len(PIECE), wait_s=0.3)
    taken: list[bytes] = []
    with pytest.raises(NotTaken):  # each piece is taken in time, all of them are not
        await listen(ahead, taken, 0.1)
    assert maker.ended.is_set()
    assert 0 < len(taken) < 20


async def test_an_engines_failure_comes_after_what_it_has_made() -> None:
    ahead = eagerly(Maker(3, fails=True).pieces())
    taken: list[bytes] = []
    with pytest.raises(EngineUnavailable, match="It died"):
        await listen(ahead, taken)
    assert len(taken) == 3


async def test_who_leaves_early_ends_the_work() -> None:
    maker = Maker(1_000_000)
    ahead = eagerly(maker.pieces())
    await anext(ahead)
    await ahead.aclose()
    assert maker.ended.is_set()
    assert maker.made < 1_000_000


async def test_a_listener_who_trickles_is_not_waited_for_as_long_as_the_text_lasts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(listener, "NOT_TAKEN_S", 0.5)
    monkeypatch.setattr(speech, "_SLOWEST", 0.01)
    tts = FakeTts([b"\1\0" * 24_000] * 1000)
    async with served(tts=tts) as host, host.http.post("/v1/audio/speech", json={"input": "Hello."}) as answer:
        async with asyncio.timeout(30):
            while not tts.closed.is_set():
                await answer.content.read(65_536)  # always some of it in time
                await asyncio.sleep(0.1)
    assert tts.made < 300
