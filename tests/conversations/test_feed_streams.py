"""The feed as a stream, inside this process: what limits it, what ends it, what it tells."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from pytest_django.fixtures import Settings

from avatar_project import api_keys
from avatar_project.api.stream_door import StreamDoor
from avatar_project.models import ApiKey, User
from conversations.events import UserWrote
from conversations.feed.hub import Hub
from conversations.feed.stream import EventStream, Limits
from conversations.log.eventlog import event_log
from conversations.log.types import Metadata
from conversations.record import new_event
from conversations.streams import stream_of
from tests.conversations.api_helpers import key_of, person, started, talk

pytestmark = pytest.mark.django_db(transaction=True)
WITHIN_S = 20.0


async def django(scope: Any, receive: Any, send: Any) -> None:
    """Stands for Django behind the door."""
    await send({"type": "http.response.start", "status": 299, "headers": []})
    await send({"type": "http.response.body", "body": b""})


class Stream:
    """One connection: what came, and a way to hang up."""

    def __init__(self, app: Any, key: str, query: str = "", **headers: str) -> None:
        shown = {"host": "127.0.0.1", "accept": "text/event-stream", "authorization": f"Bearer {key}", **headers}
        self.scope = {
            "type": "http",
            "method": "GET",
            "path": "/api/events/",
            "query_string": query.encode(),
            "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in shown.items() if value],
        }
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = b""
        self.ended = False
        self._hung_up = asyncio.Event()
        self._came = asyncio.Condition()
        self._task = asyncio.create_task(app(self.scope, self._receive, self._send))

    async def _receive(self) -> dict[str, Any]:
        await self._hung_up.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: dict[str, Any]) -> None:
        async with self._came:
            if message["type"] == "http.response.start":
                self.status = message["status"]
                self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            else:
                self.body += message["body"]
                self.ended = not message.get("more_body")
            self._came.notify_all()

    async def until(self, done: Callable[["Stream"], bool]) -> "Stream":
        async with asyncio.timeout(WITHIN_S), self._came:
            await self._came.wait_for(lambda: done(self))
        return self

    async def hang_up(self) -> None:
        self._hung_up.set()
        await self._task

    @property
    def events(self) -> list[dict[str, Any]]:
        """Those that came whole."""
        blocks = self.body.decode().split("\n\n")[:-1]
        found = []
        for block in blocks:
            fields = dict(line.partition(": ")[::2] for line in block.splitlines() if not line.startswith(":"))
            event = json.loads(fields["data"])
            assert fields["id"] == str(event["position"])
            found.append(event)
        return found

    @property
    def positions(self) -> list[int]:
        return [event["position"] for event in self.events]


@asynccontextmanager
async def door(**limits: Any) -> AsyncIterator[Any]:
    yield StreamDoor(EventStream(Limits(**limits), hub=Hub(look_every_s=0.05)), django)


made = sync_to_async(person)
key_for = sync_to_async(key_of)
talks = sync_to_async(talk)
starts = sync_to_async(started)


async def says(conversation_id: str, number: int) -> None:
    fact = UserWrote(item_id=f"u{number}", text=f"word {number}")
    metadata = Metadata(correlation=f"t{number}")
    await event_log().append(stream_of(conversation_id), None, [new_event(fact, metadata)])


async def test_what_was_and_what_happens_comes_as_it_happens() -> None:
    ada = await made("ada")
    conversation, key = await talks(ada), await key_for(ada)
    async with door() as app:
        stream = await Stream(app, key).until(lambda s: len(s.events) == 9)
        assert (stream.status, stream.headers["content-type"]) == (200, "text/event-stream")
        await says(conversation, 1)
        await stream.until(lambda s: len(s.events) == 10)
        assert stream.events[-1]["payload"]["text"] == "word 1"
        await stream.hang_up()


async def test_nothing_is_missed_and_nothing_repeated_across_reconnects() -> None:
    ada, eve = await made("ada"), await made("eve")
    mine, hers = await starts(ada), await starts(eve)
    key = await key_for(ada)
    chance = random.Random(7)

    async def writes(writer: int) -> None:
        for number in range(60):
            await says(mine if number % 2 else hers, writer * 1000 + number)
            await asyncio.sleep(chance.uniform(0, 0.01))

    seen: list[int] = []
    async with door() as app, asyncio.TaskGroup() as group:
        writing = [group.create_task(writes(writer)) for writer in range(4)]
        connections = 0
        while len(seen) < 122:  # two of the beginning and 4 x 30
            stream = Stream(app, key, last_event_id=str(seen[-1]) if seen else "")
            if not all(task.done() for task in writing):
                await asyncio.sleep(chance.uniform(0, 0.06))
            else:
                missing = 122 - len(seen)
                await stream.until(lambda s, missing=missing: len(s.events) >= missing)  # type: ignore[misc]
            await stream.hang_up()
            seen += stream.positions
            connections += 1
    assert connections > 5
    assert seen == sorted(set(seen))
    assert len(seen) == 122


async def test_last_event_id_goes_before_after() -> None:
    ada = await made("ada")
    await talks(ada)
    key = await key_for(ada)
    async with door() as app:
        stream = await Stream(app, key, "after=2", last_event_id="6").until(lambda s: len(s.events) == 3)
        assert stream.positions == [7, 8, 9]
        await stream.hang_up()


@pytest.mark.parametrize(
    ("query", "headers", "status"),
    [
        ("after=-1", {}, 400),
        ("after=99", {}, 400),
        ("", {"last_event_id": "x"}, 400),
        ("everybody=maybe", {}, 400),
        ("everybody=true", {}, 403),
        ("", {"authorization": ""}, 401),
        ("", {"authorization": "Bearer sk-anything"}, 401),
        ("", {"host": "evil.example"}, 400),
        ("", {"accept": "application/json"}, 299),
        ("", {"accept": "text/event-stream;q=0"}, 299),
    ],
)
async def test_what_is_refused(query: str, headers: dict[str, str], status: int) -> None:
    key = await key_for(await made("ada"))
    async with door() as app:
        stream = await Stream(app, key, query, **headers).until(lambda s: s.ended)
    assert stream.status == status
    if status != 299:
        assert stream.headers["content-type"] == "application/problem+json"
        assert json.loads(stream.body)["status"] == status


async def test_a_key_without_the_scope_is_refused() -> None:
    key = await key_for(await made("ada"), "conversations:read")
    async with door() as app:
        assert (await Stream(app, key).until(lambda s: s.ended)).status == 403


async def test_a_person_has_so_many_streams_and_a_process_too() -> None:
    ada, eve = await made("ada"), await made("eve")
    await talks(ada)
    await talks(eve)
    keys = await key_for(ada), await key_for(eve)
    async with door(streams=3, streams_each=2) as app:
        first, _second = [await Stream(app, keys[0]).until(lambda s: bool(s.events)) for _ in range(2)]
        too_many = await Stream(app, keys[0]).until(lambda s: s.ended)
        assert (too_many.status, too_many.headers["retry-after"]) == (429, "10")
        hers = await Stream(app, keys[1]).until(lambda s: bool(s.events))
        full = await Stream(app, keys[1]).until(lambda s: s.ended)
        assert (full.status, full.headers["retry-after"]) == (503, "10")
        await first.hang_up()
        again = await Stream(app, keys[0]).until(lambda s: bool(s.events))
        for stream in (_second, hers, again):
            await stream.hang_up()


async def test_a_stream_says_that_it_lives_and_ends_when_it_has_lasted() -> None:
    ada = await made("ada")
    await talks(ada)
    async with door(heartbeat_s=0.05, lasts_s=0.4) as app:
        stream = await Stream(app, await key_for(ada)).until(lambda s: s.ended)
    assert stream.body.count(b": nothing new\n") >= 3
    assert len(stream.events) == 9
    assert b"retry: 2000\n" in stream.body


async def test_a_stream_that_has_carried_enough_ends_and_goes_on_later() -> None:
    ada = await made("ada")
    key = await key_for(ada)
    for _ in range(30):
        await talks(ada)
    seen: list[int] = []
    async with door(carries=20_000) as app:
        while not seen or seen[-1] < 270:
            last = str(seen[-1]) if seen else ""
            stream = await Stream(app, key, last_event_id=last).until(lambda s: s.ended)
            assert len(stream.body) < 300_000
            seen += stream.positions
    assert seen == list(range(1, 271))


async def test_whoever_may_not_read_any_more_reads_nothing_more() -> None:
    ada, eve = await made("ada"), await made("eve")
    conversation, key, hers = await talks(ada), await key_for(ada), await key_for(eve)
    await talks(eve)
    async with door(heartbeat_s=30) as app:
        streams = [await Stream(app, each).until(lambda s: bool(s.events)) for each in (key, hers)]
        await ApiKey.objects.filter(owner=ada).aupdate(revoked_at="2020-01-01T00:00:00Z")
        await User.objects.filter(pk=eve.pk).aupdate(is_active=False)
        await says(conversation, 1)
        await streams[0].until(lambda s: s.ended)
        assert "word 1" not in streams[0].body.decode()
        again = await Stream(app, key).until(lambda s: s.ended)
        assert again.status == 401
        await streams[1].hang_up()
    assert await sync_to_async(api_keys.find)(hers) is None


async def test_a_signed_in_browser_reads_too(settings: Settings) -> None:
    from tests.avatar_project.test_doors import cookie

    ada = await made("ada")
    await talks(ada)
    _name, value = await sync_to_async(cookie)(ada, settings)
    async with door() as app:
        stream = Stream(app, "", authorization="", cookie=value.decode())
        await stream.until(lambda s: len(s.events) == 9)
        await stream.hang_up()


async def test_nobody_listens_nothing_runs() -> None:
    ada = await made("ada")
    await talks(ada)
    async with door() as app:
        stream = await Stream(app, await key_for(ada)).until(lambda s: bool(s.events))
        assert [task for task in asyncio.all_tasks() if "the feed's look" in task.get_name()]
        await stream.hang_up()
        await asyncio.sleep(0)
        assert not [task for task in asyncio.all_tasks() if "feed" in task.get_name() or "stream" in task.get_name()]
