"""The real host's HTTP around fake engines, on a Unix socket in the test's own process."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import msgspec
from aiohttp import web

from inference import config
from inference.choice import NOTHING_BESIDE
from inference.client import EngineClient
from inference.host.app import create_app
from inference.host.changes import Changes
from inference.host.chat.backend import ChatBackend
from inference.host.chat.remote import RemoteChat
from inference.host.children.child import Children
from inference.host.host import Host, new_scheduler
from inference.host.memory.build import build_keeper
from inference.host.registry import Registry
from inference.host.slot import EngineSlot
from inference.host.speech.speaker import Speaker
from inference.host.speech.terms import Allowance, Watermarker
from tests.inference.fake_engines import FakeSpeaker, FakeStt, FakeTts, FakeTurn
from tests.inference.fake_machine import FakeMachine

NOWHERE = "http://127.0.0.1:1/v1"


class Served(msgspec.Struct):
    host: Host
    client: EngineClient
    http: aiohttp.ClientSession
    """For requests that the client would not send."""


class Cloning(msgspec.Struct):
    """Who clones, marks and allows, beside the fake embedded voices."""

    fast: Speaker | None = None
    fine: Speaker | None = None
    watermarker: Watermarker | None = None
    gate: Allowance | None = None


def host_of(
    stt: FakeStt,
    tts: FakeTts,
    turn: FakeTurn,
    settings: config.Config,
    chat: ChatBackend | None = None,
    cloning: Cloning | None = None,
    machine: FakeMachine | None = None,
) -> Host:
    changes = Changes()
    scheduler = new_scheduler(2)
    for name in ("fake-stt", "fake-tts", "fake-turn"):
        scheduler.resize(name, 1)
    registry = Registry(
        EngineSlot("stt", "fake-stt", lambda: stt, {"cores": 2, "fake-stt": 1}, changes),
        (EngineSlot("tts", "fake-tts", lambda: tts, {"light": 1, "fake-tts": 1}, changes),),
        EngineSlot("turn", "fake-turn", lambda: turn, {"light": 1, "fake-turn": 1}, changes),
        EngineSlot("speaker", "fake-speaker", FakeSpeaker, {"light": 1}, changes),
        default_voice=settings.tts_voice,
    )
    backend = chat or RemoteChat(NOWHERE, "", "", changes, context_tokens=1000)
    who = msgspec.structs.asdict(cloning or Cloning())
    children = Children()
    memory = build_keeper(settings, NOTHING_BESIDE, registry, backend, children, changes, machine or FakeMachine())
    return Host(settings, scheduler, changes, registry, backend, children, memory=memory, **who)


@asynccontextmanager
async def served(
    stt: FakeStt | None = None,
    tts: FakeTts | None = None,
    turn: FakeTurn | None = None,
    *,
    chat: ChatBackend | None = None,
    cloning: Cloning | None = None,
    machine: FakeMachine | None = None,
    loaded: bool = True,
    api_key: str = "",
    **settings: object,
) -> AsyncIterator[Served]:
    """The host for the block; ``loaded`` waits until the fake engines are."""
    own = msgspec.structs.replace(config.load(), **{"engine_api_key": api_key, **settings})
    host = host_of(stt or FakeStt(), tts or FakeTts(), turn or FakeTurn(), own, chat, cloning, machine)
    runner = web.AppRunner(create_app(host), handler_cancellation=True, access_log=None, shutdown_timeout=1)
    await runner.setup()
    with tempfile.TemporaryDirectory(prefix="avatar-") as folder:
        path = str(Path(folder) / "engine.sock")
        await web.UnixSite(runner, path).start()
        try:
            async with (
                EngineClient(f"unix:{path}", api_key=api_key) as client,
                aiohttp.ClientSession("http://host", connector=aiohttp.UnixConnector(path)) as http,
            ):
                if loaded:
                    async with asyncio.timeout(10):
                        async for status in client.watch_status():
                            if all(engine.state == "ready" for engine in status.engines if engine.kind != "chat"):
                                break
                yield Served(host, client, http)
        finally:
            await runner.cleanup()
