"""The engine host and its memory: places that are renewed, a queue, voices that give way and come back, operators."""

import asyncio
import random
import threading
import time
from collections.abc import Callable
from contextlib import AsyncExitStack

import pytest

from inference.engine_settings import Gate
from inference.errors import EngineRefused, EngineUnavailable, ServerFull
from inference.gate.terms import Declaration, EngineLife, Policy
from inference.host.changes import Changes
from inference.host.memory.keeper import Keeper
from inference.host.memory.managed import Buffers
from inference.machine import Machine
from inference.types import EngineKind, Queued
from tests.inference.fake_machine import GB, FakeMachine
from tests.inference.served import Served, served


async def until(true: Callable[[], bool], within_s: float = 5.0) -> None:
    async with asyncio.timeout(within_s):
        while not true():  # noqa: ASYNC110 - what changes has no event
            await asyncio.sleep(0.02)


async def sessions(host: Served, count: int) -> None:
    async with asyncio.timeout(5):
        async for status in host.client.watch_status():
            if status.sessions == count:
                return


async def test_who_waits_is_told_where_and_gets_the_place_that_is_left() -> None:
    async with served(max_sessions=1, gate=Gate(queue_places=2)) as host, AsyncExitStack() as first:
        await first.enter_async_context(host.client.lease())
        told: list[Queued] = []
        heard = asyncio.Event()

        def queued(place: Queued) -> None:
            told.append(place)
            heard.set()

        async def waits() -> bool:
            async with host.client.lease(queued=queued) as lease:
                return not lease.lost

        waiting = asyncio.create_task(waits())
        await heard.wait()
        assert (told[0].position, told[0].places) == (1, 2)
        assert told[0].expected_s is not None
        status = await host.client.status()
        assert (status.sessions, status.waiting) == (1, 1)
        with pytest.raises(ServerFull):  # who does not wait does not overtake
            await first.enter_async_context(host.client.lease())
        await first.aclose()
        assert await waiting
        await sessions(host, 0)


async def test_a_queue_that_is_full_refuses_within_a_second() -> None:
    async with served(max_sessions=1, gate=Gate(queue_places=1)) as host, AsyncExitStack() as places:
        await places.enter_async_context(host.client.lease())
        heard = asyncio.Event()
        entering = asyncio.create_task(places.enter_async_context(host.client.lease(queued=lambda _: heard.set())))
        await heard.wait()
        began = time.monotonic()
        with pytest.raises(ServerFull, match="All 1 places are taken"):
            async with host.client.lease(queued=lambda _: None):
                pass
        assert time.monotonic() - began < 1
        entering.cancel()
        await asyncio.wait([entering])
        await until(lambda: host.host.memory.waiting == 0)


async def test_a_wait_that_takes_too_long_ends_in_a_refusal() -> None:
    async with served(max_sessions=1, gate=Gate(queue_places=1, queue_wait_s=1)) as host, AsyncExitStack() as places:
        await places.enter_async_context(host.client.lease())
        with pytest.raises(ServerFull, match="No place became free in time"):
            async with asyncio.timeout(5):
                await places.enter_async_context(host.client.lease(queued=lambda _: None))


async def test_a_holder_that_hangs_loses_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    async with served(max_sessions=1) as host:
        response = await host.http.post("/v1/leases")
        line = await response.content.readline()
        assert line.startswith(b'{"id":"lease_')
        held = host.host.memory
        now = asyncio.get_running_loop().time
        monkeypatch.setattr("inference.host.memory.keeper._now", lambda: now() + 21.0)
        await until(lambda: held.sessions == 0)
        assert await response.content.read() == b""  # the host hung up
        response.close()


async def test_its_holder_renews_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inference.host.routes.leases.HEARTBEAT_S", 0.1)
    renewed: list[str] = []
    async with served(max_sessions=1) as host:
        renew = host.host.memory.renew

        def noted(lease: str) -> bool:
            renewed.append(lease)
            return renew(lease)

        monkeypatch.setattr(host.host.memory, "renew", noted)
        async with host.client.lease() as lease:
            await until(lambda: len(renewed) >= 2)
            assert set(renewed) == {lease.id}
        unknown = await host.http.put("/v1/leases/lease_of_nobody")
        assert unknown.status == 404


async def test_without_memory_nobody_comes_in_and_is_told_within_a_second() -> None:
    machine = FakeMachine(total_gb=16, used_gb=15)
    async with served(machine=machine, loaded=False) as host:
        began = time.monotonic()
        with pytest.raises(ServerFull, match="There is not enough memory"):
            async with host.client.lease():
                pass
        assert time.monotonic() - began < 1


async def test_voices_give_way_to_text_and_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = FakeMachine(total_gb=16, used_gb=4)
    monkeypatch.setattr("inference.host.memory.build.memory_of_model", lambda _: GB // 8)
    async with served(machine=machine) as host:
        await until(lambda: host.host.memory.status.engines[2].state == "loaded")
        machine.used = int(14.3 * GB)
        await until(lambda: host.host.memory.service.level == "text_only")
        status = await host.client.status()
        assert status.service == "text_only"
        assert "GB of 14.4 GB used or promised (other programs 1" in status.service_reason
        assert "unloaded" in {engine.state for engine in status.engines}
        with pytest.raises(EngineUnavailable, match="answers are text only for now"):
            async for _ in host.client.speak("Hello.", voice="", language="en"):
                pass
        machine.used = 4 * GB
        now = asyncio.get_running_loop().time
        await asyncio.sleep(1.2)  # it has seen the room
        monkeypatch.setattr("inference.host.memory.keeper._now", lambda: now() + 31.0)
        await until(lambda: host.host.memory.service.level == "full")
        assert [piece async for piece in host.client.speak("Hello.", voice="", language="en")]


async def test_operators_see_memory_and_cannot_unload_what_conversations_need() -> None:
    async with served() as host:
        memory = await host.client.memory()
        assert memory.devices[0].name == "host"
        assert memory.devices[0].limit == int(64 * GB * 0.9)
        assert {engine.name for engine in memory.engines} >= {"host", "sessions", "fake-tts"}
        host_process = next(engine for engine in memory.engines if engine.name == "host")
        assert host_process.measured is not None
        assert host_process.measured > 20 * 1024**2
        await host.client.unload("fake-tts")
        assert next(engine.state for engine in (await host.client.memory()).engines if engine.name == "fake-tts") == (
            "absent"
        )
        await host.client.load("fake-tts")
        await until(lambda: host.host.registry.tts[0].engine is not None)
        with pytest.raises(EngineRefused, match="There is no engine 'nothing' here"):
            await host.client.load("nothing")
        with pytest.raises(EngineRefused, match="fake-stt is what every conversation needs"):
            await host.client.unload("fake-stt")
        await host.client.load("fake-stt")
        metrics = await (await host.http.get("/metrics")).text()
        assert 'avatar_memory_limit_bytes{device="host"}' in metrics
        assert 'avatar_service{level="full"} 1' in metrics


class FakeEngine:
    """An engine of its own process, on the card of a `FakeMachine`."""

    kind: EngineKind = "tts"
    pids = None

    def __init__(self, machine: FakeMachine, declared: Declaration) -> None:
        self.declared = declared
        self.model = f"model of {declared.engine}"
        self.life: EngineLife = "absent"
        self._machine = machine

    async def load(self) -> None:
        self._machine.gpu_used[0] += self.declared.memory
        self.life = "loaded"

    async def unload(self) -> None:
        await asyncio.sleep(0.05)
        self._machine.gpu_used[0] -= self.declared.memory
        self.life = "absent"


async def test_fine_speech_makes_room_for_a_session_within_a_second() -> None:
    machine = FakeMachine(gpus=(24,))
    llm = FakeEngine(machine, Declaration("llm", "core", "cuda:0", 16 * GB, session=GB))
    fine = FakeEngine(machine, Declaration("cosyvoice", "fine", "cuda:0", 4 * GB, on_demand=True))
    keeper = Keeper(Policy(places=9), machine, [Buffers(), llm, fine], Changes())
    await llm.load()
    running = asyncio.create_task(keeper.run())
    await until(lambda: keeper.status.engines[1].state == "loaded")
    await keeper.permit("cosyvoice")
    await fine.load()
    await keeper.look()
    with keeper.ask(queue=False) as asked:
        answered = asked.granted
        assert not answered
        began = time.monotonic()
        await asked.next_news(0.9, asyncio.Event())
        assert asked.granted
        assert time.monotonic() - began < 0.9
        assert fine.life == "absent"
        assert keeper.service.level == "no_fine"
        assert keeper.allows_clones
        async with keeper.using("llm"):
            pass
        machine.gpu_used[0] += GB
        with pytest.raises(EngineUnavailable, match="There is not enough memory for cosyvoice now"):
            await keeper.permit("cosyvoice")
    running.cancel()
    await asyncio.wait([running])


async def test_nobody_loads_what_an_operator_just_unloads() -> None:
    machine = FakeMachine(gpus=(24,))
    f5 = FakeEngine(machine, Declaration("f5", "clone", "cuda:0", GB))
    keeper = Keeper(Policy(places=9), machine, [Buffers(), f5], Changes())
    await f5.load()
    await keeper.look()
    unloading = asyncio.create_task(keeper.unload("f5"))
    await until(lambda: keeper.status.engines[1].state == "unloading")
    with pytest.raises(EngineUnavailable, match="f5 is just being unloaded"):
        await keeper.permit("f5")
    with pytest.raises(EngineUnavailable, match="gives way"):
        async with keeper.using("f5"):
            pass
    await unloading
    await keeper.permit("f5")


async def test_what_speaks_for_long_counts_as_used_until_it_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = FakeMachine(gpus=(24,))
    f5 = FakeEngine(machine, Declaration("f5", "clone", "cuda:0", GB))
    keeper = Keeper(Policy(places=9), machine, [Buffers(), f5], Changes())
    now = asyncio.get_running_loop().time
    passed = 0.0
    monkeypatch.setattr("inference.host.memory.keeper._now", lambda: now() + passed)
    await f5.load()
    account = keeper._gate.accounts["f5"]
    async with keeper.using("f5"):
        for passed in (40.0, 80.0):
            await keeper.look()
            assert account.used_at >= now() + passed - 1
    passed = 120.0
    await keeper.look()
    assert account.used_at < now() + 81


async def test_what_was_measured_before_an_engine_ended_is_not_taken_for_another_program_s() -> None:
    machine = FakeMachine(gpus=(24,))
    f5 = FakeEngine(machine, Declaration("f5", "clone", "cuda:0", 5 * GB))
    measured, go_on = threading.Event(), threading.Event()
    go_on.set()

    def slowly() -> Machine:
        seen = machine()
        measured.set()
        go_on.wait(5)
        return seen

    keeper = Keeper(Policy(places=9), slowly, [Buffers(), f5], Changes())
    await f5.load()
    await keeper.look()
    measured.clear()
    go_on.clear()
    look = asyncio.create_task(keeper.look())
    await asyncio.to_thread(measured.wait, 5)
    await keeper.unload("f5")
    go_on.set()
    await look
    card = next(device for device in keeper.status.devices if device.name == "cuda:0")
    assert (card.used, card.kept_for_others) == (0, 0)


async def test_a_crowd_that_comes_and_hangs_up_at_any_moment_leaves_no_place_behind() -> None:
    draw = random.Random(3)
    outcomes: list[str] = []

    async def visit(host: Served) -> None:
        queued = (lambda _: None) if draw.random() < 0.5 else None
        patience_s, stays_s = draw.uniform(0.0, 0.5), draw.uniform(0.0, 0.05)
        try:
            async with asyncio.timeout(patience_s), host.client.lease(queued=queued):
                await asyncio.sleep(stays_s)
            outcomes.append("came in")
        except ServerFull:
            outcomes.append("refused")
        except TimeoutError:
            outcomes.append("hung up")

    async with served(max_sessions=3, gate=Gate(queue_places=8)) as host:
        async with asyncio.TaskGroup() as crowd:
            for _ in range(200):
                crowd.create_task(visit(host))
                await asyncio.sleep(draw.uniform(0.0, 0.01))
        await until(lambda: host.host.memory.sessions == 0 and host.host.memory.waiting == 0)
        assert {outcome: outcomes.count(outcome) > 5 for outcome in outcomes} == {
            "came in": True,
            "refused": True,
            "hung up": True,
        }
        async with host.client.lease() as lease:
            assert not lease.lost
