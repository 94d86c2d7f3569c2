"""Engines in processes of their own: started, watched, started again, loaded on demand, ended with all they began."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import psutil
import pytest

from inference.errors import EngineUnavailable
from inference.host.changes import Changes
from inference.host.children import watching
from inference.host.children.child import Child
from inference.host.children.spec import Address, EngineSpec
from inference.types import EngineState

ENGINE = Path(__file__).with_name("contrived_engine.py")


def spec(folder: Path, **more: object) -> EngineSpec:
    socket = folder / "e.sock"
    usual = EngineSpec(
        name="contrived",
        kind="tts",
        model="contrived-1",
        environment=None,
        argv=(str(ENGINE), str(socket), str(folder)),
        address=Address(socket=socket),
        memory_bytes=5,
        grace_s=0.1,
    )
    return msgspec.structs.replace(usual, **more)


@asynccontextmanager
async def supervised(folder: Path, **more: object) -> AsyncIterator[Child]:
    child = Child(spec(folder, **more), Changes(), log_dir=folder)
    task = asyncio.create_task(child.run())
    try:
        yield child
    finally:
        task.cancel()
        await asyncio.wait([task])
        assert not child.pids


async def until(happened: Callable[[], object], within_s: float = 15.0) -> None:
    async with asyncio.timeout(within_s):
        while not happened():  # noqa: ASYNC110 - another process has no event to wait on
            await asyncio.sleep(0.01)


def family(folder: Path) -> list[int]:
    return [int(pid) for pid in (folder / "family").read_text().split()]


def lives(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


async def test_it_is_started_and_ended_with_everything_that_it_started(tmp_path: Path) -> None:
    async with supervised(tmp_path) as child:
        await child.get_ready()
        assert child.status.memory_bytes == 7  # as it says itself
        began = family(tmp_path)
        assert all(lives(pid) for pid in began)
        assert set(began[:2]) < child.pids
    assert not any(lives(pid) for pid in began)


async def test_who_wants_it_while_it_is_being_unloaded_gets_its_next_life(tmp_path: Path) -> None:
    async with supervised(tmp_path, on_demand=True) as child:
        await child.load()
        await child.get_ready()
        unloading = asyncio.create_task(child.unload())
        await asyncio.sleep(0)
        await child.load()
        await child.get_ready()
        assert unloading.done()
        assert child.starts == 2


async def test_it_gets_no_secret_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVATAR_MASTER_KEY", "s3cret")
    monkeypatch.setenv("DATABASE_URL", "postgres://avatar:s3cret@db/avatar")
    monkeypatch.setenv("HF_ENDPOINT", "https://hub.example")
    async with supervised(tmp_path, env={"OMP_NUM_THREADS": "1"}) as child:
        await child.get_ready()
        for pid in child.pids:
            given = psutil.Process(pid).environ()
            assert not any("s3cret" in value for value in given.values())
            assert (given["HF_ENDPOINT"], given["OMP_NUM_THREADS"]) == ("https://hub.example", "1")


async def test_a_full_disk_ends_no_engine(tmp_path: Path) -> None:
    (tmp_path / "full").touch()  # nothing can be written below it
    child = Child(spec(tmp_path), Changes(), log_dir=tmp_path / "full")
    task = asyncio.create_task(child.run())
    try:
        await child.get_ready()
        assert child.output.last
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_it_ends_when_its_host_is_killed(tmp_path: Path) -> None:
    """The host is another process here: it cannot say good-bye when it gets SIGKILL."""
    source = f"""
import asyncio, sys
from pathlib import Path
from tests.inference.test_children import supervised
async def main():
    async with supervised(Path({str(tmp_path)!r})) as child:
        await child.get_ready()
        print("ready", flush=True)
        await asyncio.sleep(600)
asyncio.run(main())
"""
    host = await asyncio.create_subprocess_exec(sys.executable, "-c", source, stdout=asyncio.subprocess.PIPE)
    assert host.stdout is not None
    await asyncio.wait_for(host.stdout.readuntil(b"\nready\n"), 30)
    began = family(tmp_path)
    host.kill()
    await host.wait()
    await until(lambda: not any(lives(pid) for pid in began))


@pytest.mark.parametrize("victim", ["engine", "keeper"])
async def test_killed_it_is_told_of_at_once_and_started_again(tmp_path: Path, victim: str) -> None:
    async with supervised(tmp_path) as child:
        await child.get_ready()
        began = family(tmp_path)
        keeper = psutil.Process(began[0]).ppid()
        os.kill(began[0] if victim == "engine" else keeper, signal.SIGKILL)
        await until(lambda: child.status.state == "loading", 1)
        await child.get_ready()
        assert child.starts == 2
        assert family(tmp_path)[0] != began[0]
        # What has left the session and lost the keeper is beyond us; of the engine itself nothing is left.
        assert not any(lives(pid) for pid in (began if victim == "engine" else began[:2]))
        for pid in began:
            if lives(pid):
                os.kill(pid, signal.SIGKILL)


async def test_one_that_keeps_dying_is_failed_with_what_it_said_and_recovers(tmp_path: Path) -> None:
    (tmp_path / "broken").touch()
    async with supervised(tmp_path) as child:
        await until(lambda: child.status.state == "failed")
        with pytest.raises(EngineUnavailable, match=r"exit code 3.*CUDA error: out of memory.*engines logs contrived"):
            await child.get_ready()
        assert child.starts == 3
        (tmp_path / "broken").unlink()
        await until(lambda: child.status.state == "ready")


async def test_one_that_says_it_failed_is_started_again(tmp_path: Path) -> None:
    (tmp_path / "failed").touch()
    async with supervised(tmp_path) as child:
        await until(lambda: "It ended (signal 9). error: Reading weights." in child.status.detail)
        (tmp_path / "failed").unlink()
        await child.get_ready()


async def test_its_progress_is_told_while_it_loads_and_a_load_has_an_end(tmp_path: Path) -> None:
    (tmp_path / "loading").touch()
    async with supervised(tmp_path, load_timeout_s=1.0) as child:
        await until(lambda: child.status.progress == 0.5)
        assert child.status.detail == "Reading weights."
        with pytest.raises(EngineUnavailable, match="still loading"):
            await child.get_ready(0.1)
        await until(lambda: "not ready within 1 s" in child.status.detail)
        await until(lambda: child.starts == 2)


async def test_progress_is_read_from_what_a_server_says_that_does_not_answer_yet(tmp_path: Path) -> None:
    (tmp_path / "mute").touch()
    async with supervised(tmp_path, progress_said=r"(\d+)% Completed") as child:
        await until(lambda: child.status.progress == 0.4)
        (tmp_path / "mute").unlink()
        await child.get_ready()


async def test_one_that_hangs_is_ended_and_started_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "_LOOK_S", 0.1)
    monkeypatch.setattr(watching, "_MISSES", 2)
    monkeypatch.setattr("inference.host.children.health._TIMEOUT_S", 0.3)
    async with supervised(tmp_path) as child:
        await child.get_ready()
        (tmp_path / "stuck").touch()
        await until(lambda: child.status.state == "loading")
        (tmp_path / "stuck").unlink()
        await child.get_ready()
        assert child.starts == 2
        assert "no longer answered" in (tmp_path / "contrived.log").read_text()


async def test_a_broken_connection_is_doubt_until_it_answers(tmp_path: Path) -> None:
    async with supervised(tmp_path) as child:
        await child.get_ready()
        child.note_broken()
        assert child.status.state == "loading"
        await child.get_ready(2)
        assert child.starts == 1


async def test_on_demand_it_is_loaded_and_unloaded_and_its_memory_is_back(tmp_path: Path) -> None:
    states: list[EngineState] = []
    async with supervised(tmp_path, on_demand=True) as child:
        assert child.status.state == "unloaded"
        with pytest.raises(EngineUnavailable, match="Not loaded"):
            await child.get_ready()
        for _ in range(2):
            await child.load()
            states.append(child.status.state)
            await child.get_ready()
            began = family(tmp_path)
            await child.unload()
            states.append(child.status.state)
            assert not any(lives(pid) for pid in began)
        await child.load()
        await child.unload()
    assert states == ["loading", "unloaded"] * 2


async def test_unloaded_twice_at_once_both_find_it_gone(tmp_path: Path) -> None:
    async with supervised(tmp_path, on_demand=True, grace_s=0.5) as child:
        await child.load()
        await child.get_ready()
        began = family(tmp_path)
        first = asyncio.create_task(child.unload())
        await asyncio.sleep(0.1)
        assert lives(began[0])  # it does not care about SIGTERM
        await child.unload()
        assert not any(lives(pid) for pid in began)
        await first


async def test_unloading_ends_the_wait_for_another_try(tmp_path: Path) -> None:
    (tmp_path / "broken").touch()
    async with supervised(tmp_path, on_demand=True) as child:
        await child.load()
        await until(lambda: child.status.state == "failed")
        began = time.monotonic()
        await child.unload()
        assert time.monotonic() - began < 0.5
        (tmp_path / "broken").unlink()
        await child.load()
        await child.get_ready()


async def test_what_it_says_while_it_serves_leaves_no_words_in_its_log(tmp_path: Path) -> None:
    async with supervised(tmp_path) as child:
        await child.get_ready()
        child.output.take(b"prompt: a secret\nINFO a secret\nValueError: a secret\navatar: reloaded\n")
        child.output.take(b'  File "/x/y.py", line 3, in speak\nERROR 11-23 06:47:10 [core.py:133] a secret\n')
    log = (tmp_path / "contrived.log").read_text()
    assert "secret" not in log
    for kept in ("ValueError\n", "avatar: reloaded\n", 'File "/x/y.py", line 3, in speak', "[core.py:133]\n"):
        assert kept in log
