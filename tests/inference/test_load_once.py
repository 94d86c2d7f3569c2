"""Ten first calls at the same moment, from two processes, load a model once."""

import asyncio
import re
import sys

import aiohttp
import pytest

from tests.engine_host import ROOT, running_host

pytestmark = pytest.mark.models

FIVE_CALLS = """
import asyncio, sys
from inference.client import EngineClient

async def main():
    async with EngineClient(sys.argv[1]) as client:
        calls = [client.transcribe(b"\\0\\0" * 16000, language="en") for _ in range(5)]
        for transcript in await asyncio.gather(*calls):
            assert transcript.text == "", "silence is no speech"
            assert transcript.model
    print("answered")

asyncio.run(main())
"""


async def test_ten_first_calls_from_two_processes_load_a_model_once() -> None:
    with running_host() as host:
        callers = [
            await asyncio.create_subprocess_exec(
                sys.executable, "-c", FIVE_CALLS, host.url, cwd=ROOT, stdout=asyncio.subprocess.PIPE
            )
            for _ in range(2)
        ]
        told = await asyncio.gather(*(caller.communicate() for caller in callers))
        assert [out.strip() for out, _ in told] == [b"answered", b"answered"]
        connector = aiohttp.UnixConnector(host.url.removeprefix("unix:"))
        async with aiohttp.ClientSession("http://host", connector=connector) as http, http.get("/metrics") as answer:
            metrics = await answer.text()
    loads = re.findall(r'avatar_engine_loads_total\{engine="whisper-base"\} (\d+)', metrics)
    assert loads == ["1"]
    assert 'avatar_engine_compute_ms_count{engine="whisper-base"} 10' in metrics
