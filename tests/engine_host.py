"""A real engine host with the real models on a Unix socket of its own: the fixture ``engine_host``."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec
import psutil
import pytest

from inference.client import EngineClient
from inference.types import EngineKind, HostStatus

ROOT = Path(__file__).resolve().parent.parent
_START_S = 90.0


class RunningHost(msgspec.Struct):
    """A host process; ``url`` is what `EngineClient` takes."""

    url: str
    data_dir: Path
    process: subprocess.Popen[bytes]
    log: Path

    def client(self) -> EngineClient:
        return EngineClient(self.url)

    @property
    def chat_process(self) -> psutil.Process:
        """The embedded chat model's process as it is now."""
        return next(
            child for child in psutil.Process(self.process.pid).children() if "chat" in " ".join(child.cmdline())
        )


def wait_for(happened, what: str, within_s: float = _START_S):  # type: ignore[no-untyped-def]
    """Waits for another process: returns the first true value of ``happened()``, else fails naming ``what``."""
    until = time.monotonic() + within_s
    while True:
        value = happened()
        if value:
            return value
        assert time.monotonic() < until, f"{what} did not happen within {within_s} s"
        time.sleep(0.02)


@contextmanager
def running_host(environment: Mapping[str, str] | None = None, *, url: str = "") -> Iterator[RunningHost]:
    """A host of its own for the block, listening but maybe still loading."""
    with tempfile.TemporaryDirectory(prefix="avatar-host-") as folder:
        data_dir = Path(folder)
        log = data_dir / "host.log"
        url = url or f"unix:{data_dir / 'engine.sock'}"
        own = {"AVATAR_DATA_DIR": str(data_dir), "AVATAR_ENGINE_URL": url}
        with log.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "inference.host"],
                cwd=ROOT,
                env={**os.environ, **own, **(environment or {})},
                stdout=out,
                stderr=out,
            )
        host = RunningHost(url=url, data_dir=data_dir, process=process, log=log)
        try:
            wait_for(lambda: b"listening" in log.read_bytes() or process.poll() is not None, "the host's start")
            assert process.poll() is None, log.read_text()
            yield host
        finally:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


async def ready(client: EngineClient, *kinds: EngineKind, within_s: float = _START_S) -> HostStatus:
    """The status once the engines of these kinds (none named: a whole conversation) are ready."""
    import asyncio

    async with asyncio.timeout(within_s):
        async for status in client.watch_status():
            states = {engine.kind: engine.state for engine in reversed(status.engines)}
            if all(states[kind] == "ready" for kind in kinds) if kinds else status.ready:
                return status
    raise AssertionError("the host went away")


@pytest.fixture(scope="session")
def engine_host() -> Iterator[RunningHost]:
    """One host with all embedded models for the whole run; ready for a conversation."""
    import asyncio

    async def until_ready(host: RunningHost) -> None:
        async with host.client() as client:
            await ready(client)

    with running_host() as host:
        asyncio.run(until_ready(host))
        yield host
