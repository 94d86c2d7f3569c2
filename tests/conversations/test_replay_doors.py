"""The doors of recorded sound: whose it is, which part is asked for, and what a browser may keep."""

import json
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import Permission
from django.test import AsyncClient
from django.urls import include, path

from avatar_project import urls as pages
from avatar_project.models import User
from conversations.events import RecordingHeard, TurnRedacted
from conversations.log import store
from conversations.replay.access import ModeratorAccess
from conversations.replay.urls import routes
from conversations.streams import stream_of
from inference.audio.opus import decode_opus
from tests.conversations.replayed import RATE, Recorded

pytestmark = pytest.mark.django_db(transaction=True)

moderation = [path("look/", include((routes(ModeratorAccess(), "look"), "look")))]
urlpatterns = [*moderation, *pages.urlpatterns]


@pytest.fixture
def owner() -> User:
    return User.objects.create_user("ada")


@pytest.fixture
def recorded(owner: User) -> Recorded:
    recorded = Recorded(str(owner.pk))
    recorded.user("t1", 0, 1000)
    recorded.reply("t1", 1500, 3000, heard_ms=1200)
    recorded.user("t2", 2700, 1000)
    recorded.reply("t2", 4000, 700)
    return recorded


@pytest.fixture
def client(owner: User) -> AsyncClient:
    client = AsyncClient()
    client.force_login(owner)
    return client


@pytest.fixture
def moderated(settings: Any) -> None:
    settings.ROOT_URLCONF = __name__


def moderator(*permissions: str) -> AsyncClient:
    user = User.objects.create_user("judge")
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = AsyncClient()
    client.force_login(user)
    return client


async def body(answer: Any) -> bytes:
    if answer.streaming:
        return b"".join([piece async for piece in answer.streaming_content])
    return bytes(answer.content)


async def length_ms(answer: Any) -> float:
    return len(decode_opus(await body(answer))) / 2 / RATE * 1000


async def test_each_sound_has_its_length(client: AsyncClient, recorded: Recorded) -> None:
    turn = f"/history/{recorded.id}/turns/1"
    user = await client.get(f"{turn}/user/audio")
    assert (user.status_code, user["Content-Type"]) == (200, "audio/ogg")
    assert await length_ms(user) == 1000
    assert await length_ms(await client.get(f"{turn}/reply/audio")) == 1200
    assert await length_ms(await client.get(f"{turn}/reply/audio?whole=1")) == 3000
    assert await length_ms(await client.get(f"/history/{recorded.id}/turns/2/reply/audio")) == 700
    assert await length_ms(await client.get(f"/history/{recorded.id}/audio")) == 4700


async def test_nobody_hears_anothers(recorded: Recorded) -> None:
    stranger = AsyncClient()
    await stranger.aforce_login(await User.objects.acreate(username="eve"))
    for door in ("audio", "peaks", "timeline", "replay", "turns/1/user/audio", "turns/1/reply/peaks"):
        answer = await stranger.get(f"/history/{recorded.id}/{door}")
        assert answer.status_code == 404, door


async def test_what_there_is_not_is_not_there(client: AsyncClient, recorded: Recorded) -> None:
    for door in ("turns/3/user/audio", "turns/1/nobody/audio", "turns/0/user/peaks"):
        assert (await client.get(f"/history/{recorded.id}/{door}")).status_code == 404, door
    assert (await client.post(f"/history/{recorded.id}/audio")).status_code == 405


async def test_ranges_are_parts_of_the_whole(client: AsyncClient, recorded: Recorded) -> None:
    for door in ("audio", "turns/1/reply/audio", "turns/1/user/audio"):
        url = f"/history/{recorded.id}/{door}"
        full = await body(await client.get(url))
        for asked, part in {
            "bytes=0-": full,
            "bytes=100-199": full[100:200],
            "bytes=50-": full[50:],
            "bytes=-30": full[-30:],
            f"bytes=10-{len(full) + 100}": full[10:],
        }.items():
            answer = await client.get(url, headers={"range": asked})
            assert answer.status_code == 206
            assert await body(answer) == part
            start = len(full) - len(part) if asked != "bytes=100-199" else 100
            assert answer["Content-Range"] == f"bytes {start}-{start + len(part) - 1}/{len(full)}"
            assert answer["Content-Length"] == str(len(part))
        for several in ("bytes=0-1,5-6", "lines=1-2", "bytes=-", "bytes=9-3", f"bytes=0-{'9' * 5000}"):
            assert (await client.get(url, headers={"range": several})).status_code == 200
        for beyond in (f"bytes={len(full)}-", "bytes=-0"):
            answer = await client.get(url, headers={"range": beyond})
            assert (answer.status_code, answer["Content-Range"]) == (416, f"bytes */{len(full)}")


async def test_a_range_of_what_has_changed_is_the_whole(client: AsyncClient, recorded: Recorded) -> None:
    url = f"/history/{recorded.id}/audio"
    first = await client.get(url)
    again = await client.get(url, headers={"range": "bytes=5-9", "if-range": first["ETag"]})
    assert (again.status_code, len(await body(again))) == (206, 5)
    other = await client.get(url, headers={"range": "bytes=5-9", "if-range": '"another"'})
    assert (other.status_code, await body(other)) == (200, await body(first))


async def test_a_browser_keeps_it_for_one_person_and_asks_each_time(client: AsyncClient, recorded: Recorded) -> None:
    url = f"/history/{recorded.id}/turns/1/user/audio"
    answer = await client.get(url)
    assert answer["Cache-Control"] == "private, no-cache"
    assert answer["Accept-Ranges"] == "bytes"
    assert "Cookie" in answer["Vary"]
    assert (await client.get(url, headers={"if-none-match": answer["ETag"]})).status_code == 304
    head = await client.head(url)
    assert (head["Content-Length"], await body(head)) == (answer["Content-Length"], b"")


async def test_what_was_erased_is_gone_for_who_has_it_too(client: AsyncClient, recorded: Recorded) -> None:
    url = f"/history/{recorded.id}/turns/1/user/audio"
    tag = (await client.get(url))["ETag"]
    await event(recorded, TurnRedacted(turn_id="t1", reason="asked"))
    assert (await client.get(url, headers={"if-none-match": tag})).status_code == 404
    assert await length_ms(await client.get(f"/history/{recorded.id}/audio")) == 4700


async def event(recorded: Recorded, *facts: Any) -> None:
    await sync_to_async(recorded.record)("", *facts)


async def test_peaks_tell_how_loud_it_is_and_when(client: AsyncClient, recorded: Recorded) -> None:
    both = (await client.get(f"/history/{recorded.id}/peaks")).json()
    assert both["duration_ms"] == 4700
    user, reply = both["lines"]
    assert len(user) == len(reply) == 94
    loud = [[place for place, value in enumerate(line) if value > 15] for line in (user, reply)]
    assert set(loud[0]) == {*range(20), *range(54, 74)}
    assert set(loud[1]) == {*range(30, 54), *range(80, 94)}
    one = (await client.get(f"/history/{recorded.id}/turns/1/reply/peaks?whole=1")).json()
    assert (one["duration_ms"], len(one["lines"][0])) == (3000, 60)
    assert (await client.get(f"/history/{recorded.id}/turns/1/reply/peaks")).json()["duration_ms"] == 1200


async def test_the_timeline_holds_no_words(client: AsyncClient, recorded: Recorded) -> None:
    answer = await client.get(f"/history/{recorded.id}/timeline?skip_pauses=1")
    assert "question" not in answer.content.decode()
    told = json.loads(answer.content)
    assert [one["who"] for one in told["utterances"]] == ["user", "reply", "user", "reply"]
    assert told["marks"]


@pytest.mark.usefixtures("moderated")
async def test_a_moderator_listens_with_permission_and_it_is_recorded_once(recorded: Recorded) -> None:
    judge = await sync_to_async(moderator)("read_words", "listen_recording")
    assert (await judge.get(f"/history/{recorded.id}/audio")).status_code == 404
    page = await judge.get(f"/look/{recorded.id}/replay")
    assert page.status_code == 200
    assert f"/look/{recorded.id}/audio" in page.content.decode()
    for start in (0, 100, 200):
        answer = await judge.get(f"/look/{recorded.id}/audio", headers={"range": f"bytes={start}-"})
        assert answer.status_code == 206
    await judge.get(f"/look/{recorded.id}/turns/1/user/audio")
    heard = await sync_to_async(listened)(recorded)
    assert [(one["what"], one["turn_id"], bool(one["audio_id"])) for one in heard] == [
        ("words", "", False),
        ("sound", "", False),
        ("sound", "t1", True),
    ]


@pytest.mark.usefixtures("moderated")
async def test_who_may_read_may_not_therefore_listen(recorded: Recorded) -> None:
    reader = await sync_to_async(moderator)("read_words")
    page = await reader.get(f"/look/{recorded.id}/replay")
    assert page.status_code == 200
    assert f"/look/{recorded.id}/audio" not in page.content.decode()
    for door in ("audio", "peaks", "turns/1/user/audio", "turns/1/user/peaks"):
        assert (await reader.get(f"/look/{recorded.id}/{door}")).status_code == 403, door
    assert [one["what"] for one in await sync_to_async(listened)(recorded)] == ["words"]


def listened(recorded: Recorded) -> list[dict[str, Any]]:
    events = store.read_stream(stream_of(recorded.id), 0)
    return [dict(one.payload) for one in events if one.type == RecordingHeard.type]
