"""What every worker process serves: health while it loads, one job at a time, hanging up, bounds, its end."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from inference.errors import EngineError, EngineRefused
from inference.workers.server import Cancelled, Jobs, Tell, create_app, sound_response
from tests.engine_host import ROOT


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not true():  # noqa: ASYNC110 - it happens in the engine's thread
            await asyncio.sleep(0.01)


class FakeWorker:
    """Says one byte pair a piece; a test decides when it loads and when it goes on."""

    def __init__(self) -> None:
        self.may_load = threading.Event()
        self.may_load.set()
        self.fault: Exception | None = None
        self.go = threading.Event()
        self.go.set()
        self.begun = threading.Event()
        self.closed = threading.Event()
        self.made: list[str] = []
        self.saw_cancel = threading.Event()

    def load(self, tell: Tell) -> None:
        tell(0.5, "Half of it.")
        assert self.may_load.wait(10)
        if self.fault:
            raise self.fault

    def routes(self, jobs: Jobs) -> list[web.RouteDef]:
        async def speak(request: web.Request) -> web.StreamResponse:
            name = request.query.get("name", "")
            return await sound_response(request, jobs.stream(lambda cancelled: self._pieces(name, cancelled)))

        async def work(request: web.Request) -> web.Response:
            def call(cancelled: Cancelled) -> str:
                self.begun.set()
                while not self.go.wait(0.01):
                    if cancelled():
                        self.saw_cancel.set()
                        return ""
                return request.query["name"]

            return web.Response(text=await jobs.run(call))

        return [web.post("/speak", speak), web.post("/work", work)]

    def _pieces(self, name: str, cancelled: Cancelled) -> Iterator[bytes]:
        try:
            if name == "wrong":
                raise EngineRefused("That cannot be said.")
            for _ in range(1000):
                self.made.append(name)
                yield b"\1\0" * 20_000
                if name == "breaks":
                    raise EngineError("The engine died.")
                if name == "short":
                    return
        finally:
            self.closed.set()


@asynccontextmanager
async def serving(worker: FakeWorker, folder: Path) -> AsyncIterator[tuple[aiohttp.ClientSession, Jobs]]:
    jobs = Jobs()
    runner = web.AppRunner(create_app(worker, jobs), handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    socket = str(folder / "w.sock")
    await web.UnixSite(runner, socket).start()
    load = asyncio.create_task(jobs.load(worker.load))
    try:
        async with aiohttp.ClientSession("http://w", connector=aiohttp.UnixConnector(socket)) as http:
            if worker.may_load.is_set() and not worker.fault:
                await load
            yield http, jobs
    finally:
        worker.may_load.set()
        worker.go.set()
        await asyncio.gather(load, return_exceptions=True)
        await runner.cleanup()


async def test_health_tells_how_far_the_load_is_and_what_went_wrong(tmp_path: Path) -> None:
    worker = FakeWorker()
    worker.may_load.clear()
    worker.fault = EngineError("The checkpoint is not here. Fetch it.")
    async with serving(worker, tmp_path) as (http, jobs):
        await until(lambda: jobs.health.progress is not None)
        async with http.get("/health") as answer:
            told = await answer.json()
            assert (answer.status, told["state"], told["progress"]) == (200, "loading", 0.5)
            assert told["memory_bytes"] > 1_000_000
        async with http.post("/work?name=a") as answer:
            assert answer.status == 503
        worker.may_load.set()
        await until(lambda: jobs.health.state != "loading")
        async with http.get("/health") as answer:
            told = await answer.json()
            assert (told["state"], told["detail"]) == ("failed", "The checkpoint is not here. Fetch it.")


async def test_one_job_at_a_time_and_a_waiting_one_that_hangs_up_never_starts(tmp_path: Path) -> None:
    worker = FakeWorker()
    worker.go.clear()
    async with serving(worker, tmp_path) as (http, _):
        running = asyncio.create_task(http.post("/work?name=a"))
        assert await asyncio.to_thread(worker.begun.wait, 5)
        with pytest.raises(TimeoutError):
            await http.post("/speak?name=short", timeout=aiohttp.ClientTimeout(total=0.2))
        worker.go.set()
        assert await (await running).text() == "a"
        async with http.post("/work?name=b") as answer:
            assert await answer.text() == "b"
    assert worker.made == []


async def test_running_work_is_told_that_nobody_waits(tmp_path: Path) -> None:
    worker = FakeWorker()
    worker.go.clear()
    async with serving(worker, tmp_path) as (http, _):
        with pytest.raises(TimeoutError):
            await http.post("/work?name=a", timeout=aiohttp.ClientTimeout(total=0.2))
        assert await asyncio.to_thread(worker.saw_cancel.wait, 5)


async def test_a_stream_that_nobody_reads_is_closed(tmp_path: Path) -> None:
    worker = FakeWorker()
    async with serving(worker, tmp_path) as (http, _):
        answer = await http.post("/speak?name=long")
        await answer.content.readany()
        answer.close()
        assert await asyncio.to_thread(worker.closed.wait, 5)
        async with http.post("/speak?name=short") as answer:
            assert len(await answer.read()) == 40_000
    assert len(worker.made) < 1000


async def test_a_fault_before_the_first_sound_is_an_error_and_one_after_it_breaks_off(tmp_path: Path) -> None:
    async with serving(FakeWorker(), tmp_path) as (http, _):
        async with http.post("/speak?name=wrong") as answer:
            assert answer.status == 400
            assert (await answer.json())["error"]["message"] == "That cannot be said."
        with pytest.raises(aiohttp.ClientError):
            async with http.post("/speak?name=breaks") as answer:
                await answer.read()


async def test_too_many_waiting_are_refused(tmp_path: Path) -> None:
    worker = FakeWorker()
    worker.go.clear()
    async with serving(worker, tmp_path) as (http, _):
        waiting = [asyncio.create_task(http.post(f"/work?name={number}")) for number in range(40)]
        done, _pending = await asyncio.wait(waiting, timeout=1)
        assert {(await task).status for task in done} == {503}
        assert len(done) == 8
        worker.go.set()
        assert sum([(await task).status == 200 for task in waiting]) == 32


def test_the_process_ends_with_its_standard_input_and_its_socket_is_private(tmp_path: Path) -> None:
    code = (
        "import sys; from inference.workers.server import serve\n"
        "class W:\n"
        "    def load(self, tell): pass\n"
        "    def routes(self, jobs): return []\n"
        "sys.exit(serve(W(), sys.argv[1]))"
    )
    socket = tmp_path / "w.sock"
    process = subprocess.Popen([sys.executable, "-c", code, str(socket)], stdin=subprocess.PIPE, cwd=ROOT)
    try:
        for _ in range(500):
            if socket.exists():
                break
            threading.Event().wait(0.02)
        assert socket.stat().st_mode & 0o077 == 0
        assert process.poll() is None
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(10) == 0
    finally:
        process.kill()
