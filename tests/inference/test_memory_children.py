"""The gate over real processes: their memory is measured, they are ended when it is short, and it is free then."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import psutil
import pytest

from inference.errors import EngineUnavailable
from inference.gate.terms import Declaration, Policy
from inference.host.changes import Changes
from inference.host.children.child import Child
from inference.host.children.spec import Address, EngineSpec
from inference.host.memory.keeper import Keeper
from inference.host.memory.managed import Buffers, ManagedChild
from inference.machine import HOST, Machine, Memory, memory_of

MB = 1024**2
GB = 1024**3
ENGINE = """
import sys
from aiohttp import web

held = [bytearray(int(sys.argv[2]) << 20)]
for number in range(0, len(held[0]), 4096):
    held[0][number] = 1

async def health(_):
    return web.json_response({"state": "ready"})

async def grow(request):
    more = bytearray(int(request.query["mb"]) << 20)
    for number in range(0, len(more), 4096):
        more[number] = 1
    held.append(more)
    return web.Response()

app = web.Application()
app.router.add_get("/health", health)
app.router.add_post("/grow", grow)
web.run_app(app, path=sys.argv[1], print=None)
"""


@asynccontextmanager
async def keeping(child: Child, declared: Declaration, total: int, **policy: float) -> AsyncIterator[Keeper]:
    """A keeper of a machine of this size that has nothing on it but the child."""

    def measure() -> Machine:
        return Machine(cores=2, memory=Memory(total, memory_of(frozenset(child.pids))))

    keeper = Keeper(Policy(places=9, **policy), measure, [Buffers(), ManagedChild(child, declared)], Changes())  # type: ignore[arg-type]
    tasks = [asyncio.create_task(child.run()), asyncio.create_task(keeper.run())]
    try:
        yield keeper
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


def engine(folder: Path, takes_mb: int, *, on_demand: bool = True) -> Child:
    spec = EngineSpec(
        name="glutton",
        kind="tts",
        model="glutton",
        environment=None,
        argv=("-c", ENGINE, str(folder / "glutton.sock"), str(takes_mb)),
        address=Address(socket=folder / "glutton.sock"),
        on_demand=on_demand,
    )
    return Child(spec, Changes(), log_dir=folder)


async def until(happened: Callable[[], object], within_s: float = 20.0) -> None:
    async with asyncio.timeout(within_s):
        while not happened():  # noqa: ASYNC110 - another process has no event to wait on
            await asyncio.sleep(0.05)


async def test_what_takes_more_than_it_said_gives_way_and_its_memory_is_free(tmp_path: Path) -> None:
    child = engine(tmp_path, 450)
    declared = Declaration("glutton", "fine", HOST, 100 * MB, on_demand=True)
    async with keeping(child, declared, GB // 2, hold_s=0.5) as keeper:
        await keeper.permit("glutton")
        await child.load()
        await child.get_ready(20)
        pids = child.pids
        assert pids
        await until(lambda: keeper.status.engines[1].state == "absent")
        assert keeper.service.level == "no_fine"
        assert not child.pids
        assert not any(psutil.pid_exists(pid) for pid in pids)
        # It is known by now what it needs: more than there is.
        with pytest.raises(EngineUnavailable, match="There is not enough memory for glutton now"):
            await keeper.permit("glutton")


async def test_an_engine_that_leaks_is_started_again_and_everybody_has_memory_again(tmp_path: Path) -> None:
    child = engine(tmp_path, 20, on_demand=False)
    declared = Declaration("glutton", "clone", HOST, 100 * MB)
    async with keeping(child, declared, 4 * GB, settle_s=0.0) as keeper:
        await child.get_ready(20)
        await until(lambda: keeper.status.engines[1].state == "loaded")
        async with aiohttp.ClientSession(connector=child.address.connector()) as http:
            await http.post(child.address.url + "/grow", params={"mb": "450"})
        lives = child.starts
        await until(lambda: child.starts > lives, 30)
        await child.get_ready(20)
        await until(lambda: (keeper.status.engines[1].measured or GB) < 150 * MB)
        assert keeper.service.level == "full"
        assert child.starts == lives + 1
