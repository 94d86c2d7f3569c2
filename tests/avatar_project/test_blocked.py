"""Who was blocked stays outside: on pages and sockets, and as the guest behind the same cookie or key."""

from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.test import Client

from avatar_project.identity import guest_of_key
from avatar_project.models import User
from tests.avatar_project.test_doors import cookie, who
from tests.avatar_project.test_guests import here

pytestmark = pytest.mark.django_db(transaction=True)


def block(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


def test_a_blocked_guest_gets_no_new_guest_behind_the_same_cookie() -> None:
    browser = here()
    browser.get("/chat")
    guest = User.objects.get()
    block(guest)
    for _ in range(2):
        answer = browser.get("/chat")
        assert answer.status_code == 403
        assert b"may not talk here" in answer.content
    assert User.objects.count() == 1
    User.objects.update(is_active=True)
    assert browser.get("/chat").status_code == 200
    assert User.objects.count() == 1


def test_they_may_still_sign_in_as_somebody_who_is_not_blocked() -> None:
    User.objects.create_user("ana", password="a long enough password")
    browser = here()
    browser.get("/chat")
    block(User.objects.get(is_guest=True))
    assert browser.get("/accounts/login/").status_code == 200
    browser.post("/accounts/login/", {"username": "ana", "password": "a long enough password"})
    assert browser.get("/chat").status_code == 200


def test_a_blocked_administrator_is_out_of_the_admin() -> None:
    root = User.objects.create_superuser("root", password="a long enough password")
    browser = Client(SERVER_NAME="127.0.0.1", HTTP_HOST="127.0.0.1:8000")
    browser.force_login(root)
    assert browser.get("/admin/").status_code == 200
    block(root)
    assert browser.get("/admin/").status_code == 403


async def test_a_blocked_guest_is_nobody_at_the_sockets_door(settings: Any) -> None:
    ana = await User.objects.acreate_user("ana", password="a long enough password")
    header = await sync_to_async(cookie)(ana, settings)
    assert await who(header) == "ana"
    await sync_to_async(block)(ana)
    assert await who(header) == "nobody"
    assert await User.objects.acount() == 1


async def test_the_guest_of_a_key_stays_blocked() -> None:
    name = await who((b"authorization", b"Bearer some-key"))
    guest = await sync_to_async(guest_of_key)("some-key")
    assert guest.username == name
    await sync_to_async(block)(guest)
    assert await who((b"authorization", b"Bearer some-key")) == "nobody"


async def test_a_conversation_ends_when_its_speaker_is_not_admitted_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    from conversations import consumers
    from tests.conversations.sockets import Socket, consumer

    monkeypatch.setattr(consumers, "ASK_AGAIN_S", 0.05)
    answers: Iterator[bool | None] = iter([None, True, False])

    async def still_admitted() -> bool:
        answer = next(answers)
        if answer is None:
            raise OSError("the database is away")
        return answer

    socket = Socket(consumer())
    socket.scope["still_admitted"] = still_admitted
    await socket.open()
    assert (await socket.event())["type"] == "session.created"
    assert (await socket.event())["error"]["code"] == "unauthorized"
    assert await socket.closed() == 4401


async def test_the_socket_says_that_it_is_not_a_matter_of_signing_in() -> None:
    from conversations.consumers import RealtimeConsumer
    from tests.conversations.sockets import Socket

    socket = Socket(RealtimeConsumer(), user=None)
    socket.scope["blocked"] = True
    await socket.open()
    error = (await socket.event())["error"]
    assert error["code"] == "forbidden"
    assert await socket.closed() == 4403
