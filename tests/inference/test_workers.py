"""Blocking calls under the scheduler: cores are held until a thread is done, and less urgent work steps back."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing

import pytest

from inference.engines.base import Cancelled
from inference.host.scheduler import Scheduler
from inference.host.workers import Workers

CORES = {"cores": 1}


@pytest.fixture
async def workers() -> AsyncIterator[Workers]:
    made = Workers(Scheduler({"cores": 1, "light": 1}), threads=3)
    yield made
    made.close()


def now() -> float:
    return asyncio.get_running_loop().time()


async def happened(event: threading.Event) -> None:
    assert await asyncio.to_thread(event.wait, 10)


async def test_a_cancelled_call_is_told_and_keeps_its_cores_until_its_thread_is_done(workers: Workers) -> None:
    began, told, may_end = threading.Event(), threading.Event(), threading.Event()

    def call(cancelled: Cancelled) -> None:
        began.set()
        while not cancelled():
            may_end.wait(0.005)
        told.set()
        may_end.wait(10)

    task = asyncio.create_task(workers.run(call, CORES, due=now(), expires=now() + 10))
    await happened(began)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await happened(told)
    following = asyncio.create_task(workers.run(lambda _: "done", CORES, due=now(), expires=now() + 10))
    await asyncio.sleep(0.02)
    assert not following.done(), "two calls would have shared one core"
    may_end.set()
    assert (await following).value == "done"


async def test_a_partial_transcript_steps_back_for_a_final_one_and_is_done_again(workers: Workers) -> None:
    began = threading.Event()
    runs: list[str] = []

    def partial(cancelled: Cancelled) -> str:
        runs.append("partial")
        began.set()
        while len(runs) == 1 and not cancelled():
            pass
        return "partial"

    def final(_: Cancelled) -> str:
        runs.append("final")
        return "final"

    late = asyncio.create_task(workers.run(partial, CORES, due=now() + 2, expires=now() + 10, can_step_back=True))
    await happened(began)
    done = await workers.run(final, CORES, due=now(), expires=now() + 10)
    assert (done.value, (await late).value) == ("final", "partial")
    assert runs == ["partial", "final", "partial"]


async def test_work_that_is_nearly_as_urgent_is_not_interrupted(workers: Workers) -> None:
    began, may_end = threading.Event(), threading.Event()
    stopped: list[bool] = []

    def call(cancelled: Cancelled) -> None:
        began.set()
        may_end.wait(10)
        stopped.append(cancelled())

    first = asyncio.create_task(workers.run(call, CORES, due=now(), expires=now() + 10, can_step_back=True))
    await happened(began)
    second = asyncio.create_task(workers.run(lambda _: None, CORES, due=now(), expires=now() + 10))
    await asyncio.sleep(0)
    may_end.set()
    await asyncio.gather(first, second)
    assert stopped == [False]


async def test_a_fault_reaches_the_caller_and_frees_the_cores(workers: Workers) -> None:
    def call(_: Cancelled) -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await workers.run(call, CORES, due=now(), expires=now() + 10)
    assert (await workers.run(lambda _: 1, CORES, due=now(), expires=now() + 10)).value == 1


async def test_a_stream_gives_way_between_its_pieces_to_what_is_due_earlier(workers: Workers) -> None:
    order: list[str] = []

    def pieces() -> Iterator[bytes]:
        for name in ("first", "second"):
            order.append(name)
            yield b"x"

    async def urgent() -> None:
        await workers.run(lambda _: order.append("urgent"), CORES, due=now(), expires=now() + 10)

    stream = workers.stream(pieces, CORES, due=now(), expires=now() + 10, seconds=lambda _: 3.0)
    tasks: list[asyncio.Task[None]] = []
    async with aclosing(stream) as sound:
        async for _ in sound:
            if not tasks:
                tasks.append(asyncio.create_task(urgent()))
                await asyncio.sleep(0)
    await asyncio.gather(*tasks)
    assert order == ["first", "urgent", "second"]


async def test_closing_a_stream_closes_the_engines_iterator_and_makes_no_more(workers: Workers) -> None:
    made: list[int] = []
    closed = threading.Event()

    def pieces() -> Iterator[bytes]:
        try:
            for number in range(100):
                made.append(number)
                yield b"x"
        finally:
            closed.set()

    async with aclosing(workers.stream(pieces, CORES, due=now(), expires=now() + 10, seconds=lambda _: 0.1)) as sound:
        await anext(sound)
    await happened(closed)
    assert made == [0]
