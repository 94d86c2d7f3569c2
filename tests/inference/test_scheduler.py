"""The scheduler gives the machine to the earliest deadline, and never to work that nobody wants any more."""

import asyncio

import pytest

from inference.host.scheduler import Expired, Overloaded, Scheduler

LATER = 60.0


class Shop:
    """Notes the order in which work gets the machine."""

    def __init__(self, scheduler: Scheduler) -> None:
        self.scheduler = scheduler
        self.order: list[str] = []
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.let_go: dict[str, asyncio.Event] = {}

    async def want(self, name: str, due_in_s: float, expires_in_s: float = LATER, **needs: int) -> None:
        self.let_go[name] = asyncio.Event()
        self.tasks[name] = asyncio.create_task(self._work(name, needs or {"cores": 1}, due_in_s, expires_in_s))
        await asyncio.sleep(0)

    async def _work(self, name: str, needs: dict[str, int], due_in_s: float, expires_in_s: float) -> None:
        now = asyncio.get_running_loop().time()
        async with self.scheduler.turn(needs, due=now + due_in_s, expires=now + expires_in_s):
            self.order.append(name)
            await self.let_go[name].wait()

    async def finish(self, name: str) -> None:
        self.let_go[name].set()
        await self.tasks[name]
        await asyncio.sleep(0)


async def test_the_earliest_deadline_is_served_first() -> None:
    shop = Shop(Scheduler({"cores": 1}))
    await shop.want("running", 0)
    await shop.want("third sentence", 6)
    await shop.want("partial transcript", 1)
    await shop.want("final transcript", 0)
    for name in ("running", "final transcript", "partial transcript", "third sentence"):
        await shop.finish(name)
    assert shop.order == ["running", "final transcript", "partial transcript", "third sentence"]


async def test_equal_deadlines_are_served_in_order_of_arrival() -> None:
    scheduler = Scheduler({"cores": 1})
    now = asyncio.get_running_loop().time()
    first = scheduler.ask({"cores": 1}, due=now)
    tickets = [scheduler.ask({"cores": 1}, due=now + 1) for _ in range(5)]
    scheduler.release(first)
    for ticket in tickets:
        assert [other.granted.done() for other in tickets].count(True) == tickets.index(ticket) + 1
        scheduler.release(ticket)


async def test_small_later_work_does_not_overtake_on_a_resource_that_earlier_work_waits_for() -> None:
    shop = Shop(Scheduler({"cores": 2, "light": 2}))
    await shop.want("kokoro", 0, cores=1)
    await shop.want("whisper", 1, cores=2)
    await shop.want("later kokoro", 2, cores=1)
    await shop.want("smart turn", 3, light=1)
    assert shop.order == ["kokoro", "smart turn"]
    await shop.finish("kokoro")
    assert shop.order == ["kokoro", "smart turn", "whisper"]
    for name in ("whisper", "later kokoro", "smart turn"):
        await shop.finish(name)


async def test_cancelled_work_is_never_started() -> None:
    shop = Shop(Scheduler({"cores": 1}))
    await shop.want("running", 0)
    await shop.want("cancelled", 0)
    shop.tasks["cancelled"].cancel()
    await shop.want("next", 5)
    await shop.finish("running")
    assert shop.order == ["running", "next"]
    await shop.finish("next")
    assert shop.scheduler.in_use() == {"cores": 0}
    assert shop.scheduler.waiting == 0


async def test_work_cancelled_in_the_step_of_its_grant_gives_the_machine_back() -> None:
    shop = Shop(Scheduler({"cores": 1}))
    await shop.want("running", 0)
    await shop.want("granted and cancelled", 0)
    shop.let_go["running"].set()
    await asyncio.sleep(0)  # the grant is made, the task has not seen it yet
    shop.tasks["granted and cancelled"].cancel()
    await asyncio.wait(shop.tasks.values())
    assert shop.scheduler.in_use() == {"cores": 0}


async def test_expired_work_is_never_started() -> None:
    shop = Shop(Scheduler({"cores": 1}))
    await shop.want("running", 0)
    await shop.want("expired", 0, expires_in_s=0.01)
    with pytest.raises(Expired):
        await shop.tasks["expired"]
    await shop.finish("running")
    assert shop.order == ["running"]
    assert shop.scheduler.in_use() == {"cores": 0}


async def test_a_full_queue_refuses_at_once() -> None:
    scheduler = Scheduler({"cores": 1}, max_waiting=2)
    for _ in range(3):
        scheduler.ask({"cores": 1}, due=0)
    with pytest.raises(Overloaded):
        scheduler.ask({"cores": 1}, due=0)


async def test_work_that_wants_more_than_there_is_gets_all_there_is() -> None:
    scheduler = Scheduler({"cores": 1})
    assert scheduler.ask({"cores": 2}, due=0).granted.done()
    assert scheduler.in_use() == {"cores": 1}
