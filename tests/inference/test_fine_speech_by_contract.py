"""Fine speech in a whole host: loaded when it is wanted, told while it loads. A stand-in for CosyVoice speaks."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from inference.client import EngineClient
from inference.types import EngineStatus, HostStatus, Reference, SpeechMade
from tests.engine_host import running_host
from tests.engines import python_of
from tests.inference.contract_cosyvoice import contract_checkout

pytestmark = [pytest.mark.models, pytest.mark.engines]
MODEL = "Fun-CosyVoice3-0.5B"
REFERENCE = Reference.of("mine", b"\1\0" * 72_000, transcript="These are my words.", language="en")


@asynccontextmanager
async def host_with_fine_speech(folder: Path) -> AsyncIterator[EngineClient]:
    await asyncio.to_thread(python_of, "watermark")
    settings = {
        "AVATAR_FAST_SPEECH": "off",
        "AVATAR_FINE_SPEECH": "cosyvoice",
        "AVATAR_COSYVOICE_DIR": str(contract_checkout(folder / "checkout")),
        "AVATAR_COSYVOICE_PYTHON": sys.executable,
        "AVATAR_COSYVOICE_MEMORY_MB": "200",
    }
    with running_host(settings) as host:
        async with host.client() as client:
            await until(client, lambda status: fine(status, "perth").state == "ready" and bool(status.voices))
            yield client


def fine(status: HostStatus, model: str = MODEL) -> EngineStatus:
    return next(engine for engine in status.engines if engine.model == model)


async def until(client: EngineClient, true) -> list[HostStatus]:  # type: ignore[no-untyped-def]
    """All statuses up to the first of which ``true`` is."""
    seen: list[HostStatus] = []
    async with asyncio.timeout(120):
        async for status in client.watch_status():
            seen.append(status)
            if true(status):
                return seen
    raise AssertionError("the host went away")


async def said(client: EngineClient) -> SpeechMade:
    async with client.speech("Good morning.", voice="", language="en", reference=REFERENCE, quality="fine") as speech:
        assert b"".join([pcm async for pcm in speech])
        return speech.made


async def test_it_is_loaded_when_it_is_wanted_and_others_speak_meanwhile(tmp_path: Path) -> None:
    async with host_with_fine_speech(tmp_path) as client:
        status = await client.status()
        assert fine(status).state == "unloaded"
        assert status.cloning == ("fine",)
        made = await said(client)
        assert (made.cloned, made.fallback) == (False, "cloning_unavailable")
        seen = await until(client, lambda status: fine(status).state == "ready")
        assert {fine(status).state for status in seen} <= {"loading", "ready"}
        assert await said(client) == SpeechMade(
            "cosyvoice", MODEL, "mine", cloned=True, watermarked=True, quality="fine"
        )
        await client.unload("cosyvoice")
        await until(client, lambda status: fine(status).state == "unloaded")
        assert not (await said(client)).cloned
        await until(client, lambda status: fine(status).state == "ready")
        assert (await said(client)).cloned
