"""A server that is killed in the middle of a turn loses nothing that it has acknowledged.

``AVATAR_KILL_ROUNDS=50 python -m pytest tests/conversations/test_sigkill.py`` kills fifty times.
"""

import asyncio
import contextlib
import json
import os
import random
import secrets
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from conversations.terminal.clips import Clip, spoken
from conversations.terminal.microphone import Microphone
from conversations.terminal.wire import Wire, WireError, connect
from inference.client import EngineClient
from tests import postgres
from tests.server import Stack

ROUNDS = int(os.environ.get("AVATAR_KILL_ROUNDS", "5"))
QUESTION = "Should I get a dog or a cat?"
pytestmark = [pytest.mark.models, pytest.mark.server, pytest.mark.timeout(300 + 60 * ROUNDS)]


class Acknowledged:
    """What the server has told us, as the facts that must be in the log from that moment on."""

    def __init__(self) -> None:
        self.facts: set[tuple[str, str]] = set()
        self.transcripts: dict[str, str] = {}
        self.conversation = ""
        self.resumed: dict[str, str] = {}
        self.answered = asyncio.Event()

    def hear(self, event: dict[str, object]) -> None:
        match event:
            case {"type": "avatar.conversation", "conversation_id": str(name)}:
                self.conversation = name
            case {"type": "input_audio_buffer.committed", "item_id": str(item)}:
                self.facts.add(("user.spoke", item))
            case {
                "type": "conversation.item.input_audio_transcription.completed",
                "item_id": str(item),
                "transcript": str(text),
            }:
                self.facts.add(("user.transcribed", item))
                self.transcripts[item] = text
            case {"type": "response.created", "response": {"id": str(response)}}:
                self.facts.add(("reply.started", response))
            case {"type": "response.output_audio_transcript.delta", "response_id": str(response)}:
                self.facts.add(("reply.spoken", response))
            case {"type": "response.done", "response": {"id": str(response)}}:
                self.facts.add(("reply.finished", response))
                self.answered.set()
            case {"type": "conversation.item.done", "item": {"id": str(item), "content": [{"text": str(text)}]}}:
                self.resumed[item] = text


@pytest.fixture(params=["sqlite", "postgresql"])
def server(stack: Stack, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Stack]:
    """A web server of its own, to be killed; the engines are everybody's."""
    environment = {
        "AVATAR_ENGINE_URL": stack.environment["AVATAR_ENGINE_URL"],
        "DATABASE_URL": "" if request.param == "sqlite" else postgres.server().create_database(),
    }
    with Stack(tmp_path, environment, engines=False) as running:
        yield running


async def listen(wire: Wire, told: Acknowledged) -> None:
    with contextlib.suppress(WireError):
        async for event in wire.events():
            told.hear(event)


async def ask(server: Stack, told: Acknowledged, clip: Clip, kill_after_s: float | None) -> None:
    """Asks one question in the conversation so far; the server dies ``kill_after_s`` after its first sound."""
    told.resumed, told.answered = {}, asyncio.Event()
    async with connect(
        f"{server.ws_url}/v1", api_key="the one who asks", extras=True, resume=told.conversation
    ) as wire:
        listening = asyncio.create_task(listen(wire, told))
        microphone = Microphone(wire, 1)
        recording = asyncio.create_task(microphone.run())
        await microphone.ask(clip)
        if kill_after_s is None:
            async with asyncio.timeout(120):
                await told.answered.wait()
        else:
            await asyncio.sleep(kill_after_s)
            await asyncio.to_thread(server.kill_web)
            await listening
        recording.cancel()
        with contextlib.suppress(asyncio.CancelledError, ConnectionError):
            await recording
        await wire.close()
        await listening


def recorded(server: Stack) -> tuple[set[tuple[str, str]], set[str]]:
    """(type, id) of every fact in the log, and the ids of the stored sound."""
    facts, sounds = set(), set()
    url = server.environment["DATABASE_URL"]
    connect_to = psycopg.connect(url) if url else sqlite3.connect(server.data_dir / "avatar.sqlite3")
    with contextlib.closing(connect_to) as database:
        for kind, text in database.cursor().execute("SELECT type, payload FROM log_event"):
            payload = json.loads(text)
            facts |= {(kind, payload[name]) for name in ("item_id", "response_id") if name in payload}
            if kind == "user.spoke":
                sounds.add(payload["audio_id"])
    return facts, sounds


async def test_nothing_acknowledged_is_lost(server: Stack) -> None:
    engines = EngineClient(server.environment["AVATAR_ENGINE_URL"])
    clip = (await spoken(engines, (QUESTION,)))[0]
    await engines.close()
    seed = os.environ.get("AVATAR_KILL_SEED") or secrets.token_hex(4)
    print(f"AVATAR_KILL_SEED={seed}")  # pytest shows it when the test fails: the same moments can be tried again
    chance = random.Random(seed)
    told = Acknowledged()
    await ask(server, told, clip, None)  # a whole turn, so that there is a history to come back whatever is killed
    for number in range(ROUNDS):
        moment_s = chance.uniform(0.3, clip.end_s + 2.5)
        await ask(server, told, clip, moment_s)
        facts, sounds = await asyncio.to_thread(recorded, server)
        assert told.facts <= facts, f"round {number}: killed after {moment_s:.2f} s"
        kept = {path.name for path in (server.data_dir / "audio").rglob("*") if path.is_file()}
        assert sounds <= kept
        await asyncio.to_thread(server.manage, "verify_chain")
        await asyncio.to_thread(server.manage, "rebuild_projections", "--check")
        await asyncio.to_thread(server.start_web)
        print(f"round {number}: killed after {moment_s:.2f} s, {len(told.facts)} facts held", file=sys.stderr)
    await ask(server, told, clip, None)
    assert told.transcripts
    said = {item: text for item, text in told.transcripts.items() if text}
    assert {item: told.resumed.get(item, text) for item, text in said.items()} == said
    assert set(told.resumed) & set(said), "the history came back"
    assert told.answered.is_set(), "the conversation goes on"
