"""Who may come in, and as whom."""

from collections.abc import Callable

import pytest
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from pytest_django.fixtures import Settings

from avatar_project import api_keys
from avatar_project.bind import guests_admitted
from avatar_project.doors import Doors
from avatar_project.models import User

pytestmark = pytest.mark.django_db(transaction=True)
HOST = (b"host", b"127.0.0.1:8000")


async def greet(scope, receive, send) -> None:  # type: ignore[no-untyped-def]
    """Says who came in."""
    await receive()
    await send({"type": "websocket.accept"})
    user = scope["user"]
    await send({"type": "websocket.send", "text": user.username if user else "nobody"})


async def who(*headers: tuple[bytes, bytes], server: str = "127.0.0.1", protocols: tuple[str, ...] = ()) -> str:
    door = WebsocketCommunicator(Doors(greet), "/v1/realtime", headers=[HOST, *headers], subprotocols=list(protocols))
    door.scope["server"] = [server, 8000]
    connected, code = await door.connect()
    if not connected:
        return f"refused {code}"
    name = str(await door.receive_from())
    await door.disconnect()
    return name


def cookie(user: User, settings: Settings) -> tuple[bytes, bytes]:
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return b"cookie", f"{settings.SESSION_COOKIE_NAME}={session.session_key}".encode()


async def test_a_program_without_a_key_is_a_guest_of_its_own() -> None:
    first, second = await who(), await who()
    assert first.startswith("guest-")
    assert first != second


async def test_a_key_is_always_the_same_guest_and_is_not_stored() -> None:
    first = await who((b"authorization", b"Bearer sk-secret-1"))
    assert first == await who((b"authorization", b"Bearer sk-secret-1"))
    assert first == await who(protocols=("realtime", "openai-insecure-api-key.sk-secret-1"))
    assert first != await who((b"authorization", b"Bearer sk-secret-2"))
    assert "secret" not in first


async def test_the_sign_in_cookie_outranks_a_key(settings: Settings) -> None:
    ana = await User.objects.acreate_user("ana", password="a long enough password")
    headers = await _cookie(ana, settings)
    assert await who(headers, (b"authorization", b"Bearer k")) == "ana"


async def test_a_deactivated_person_stays_outside(settings: Settings) -> None:
    settings.GUESTS_ADMITTED = False
    ana = await User.objects.acreate_user("ana", password="a long enough password")
    headers = await _cookie(ana, settings)
    ana.is_active = False
    await ana.asave()
    assert await who(headers) == "nobody"


async def test_a_changed_password_ends_old_sessions(settings: Settings) -> None:
    settings.GUESTS_ADMITTED = False
    ana = await User.objects.acreate_user("ana", password="a long enough password")
    headers = await _cookie(ana, settings)
    ana.set_password("another long password")
    await ana.asave()
    assert await who(headers) == "nobody"


@pytest.mark.parametrize("header", [(b"authorization", b"Bearer k"), (b"x-nothing", b"")])
async def test_no_guest_where_guests_are_off(header: tuple[bytes, bytes], settings: Settings) -> None:
    settings.GUESTS_ADMITTED = False
    assert await who(header) == "nobody"


async def asked_again(*headers: tuple[bytes, bytes], meanwhile: Callable[[], object]) -> tuple[bool, bool]:
    """Whether who came in is still admitted before and after ``meanwhile``."""
    answers = []

    async def stay(scope, receive, send) -> None:  # type: ignore[no-untyped-def]
        await receive()
        await send({"type": "websocket.accept"})
        answers.append(await scope["still_admitted"]())
        await sync_to_async(meanwhile)()
        answers.append(await scope["still_admitted"]())
        await send({"type": "websocket.send", "text": "done"})

    door = WebsocketCommunicator(Doors(stay), "/v1/realtime", headers=[HOST, *headers])
    door.scope["server"] = ["127.0.0.1", 8000]
    await door.connect()
    await door.receive_from(timeout=10)
    await door.disconnect()
    return answers[0], answers[1]


async def test_a_key_that_is_revoked_meanwhile_is_noticed() -> None:
    owner = await User.objects.acreate_user("owner")
    made = await sync_to_async(api_keys.create)(owner, name="mine", scopes=["realtime"], expires_at=None)
    bearer = (b"authorization", f"Bearer {made.key}".encode())
    assert await asked_again(bearer, meanwhile=lambda: None) == (True, True)
    assert await asked_again(bearer, meanwhile=lambda: api_keys.revoke(made.row)) == (True, False)


async def test_who_signs_out_or_is_blocked_meanwhile_is_noticed(settings: Settings) -> None:
    person = await User.objects.acreate_user("person")
    signed_in = await sync_to_async(cookie)(person, settings)
    assert await asked_again(signed_in, meanwhile=lambda: None) == (True, True)
    assert await asked_again(signed_in, meanwhile=Session.objects.all().delete) == (True, False)
    guests = User.objects.filter(is_guest=True)
    assert await asked_again(meanwhile=lambda: guests.update(is_active=False)) == (True, False)


async def test_no_guest_through_an_address_that_others_reach() -> None:
    assert await who(server="192.0.2.7") == "nobody"


@pytest.mark.parametrize("origin", [b"https://evil.example", b"http://127.0.0.1:9999", b"null", b"file://"])
async def test_a_foreign_origin_gets_no_handshake(origin: bytes) -> None:
    assert (await who((b"origin", origin))).startswith("refused")


async def test_its_own_page_comes_in() -> None:
    assert (await who((b"origin", b"http://127.0.0.1:8000"))).startswith("guest-")


async def test_a_foreign_host_gets_no_handshake() -> None:
    door = WebsocketCommunicator(Doors(greet), "/v1/realtime", headers=[(b"host", b"rebound.example")])
    connected, _ = await door.connect()
    assert not connected


@pytest.mark.parametrize(
    ("bind", "hosts", "choice", "expected"),
    [
        ("127.0.0.1", ["localhost", "127.0.0.1", "[::1]"], "auto", True),
        ("::1", ["localhost"], "auto", True),
        ("0.0.0.0", ["localhost"], "auto", False),
        ("192.168.1.4", ["localhost"], "auto", False),
        ("127.0.0.1", ["localhost", "avatar.clinic.example"], "auto", False),
        ("127.0.0.1", ["*"], "auto", False),
        ("0.0.0.0", ["*"], "on", True),
        ("127.0.0.1", ["localhost"], "off", False),
    ],
)
def test_guests_follow_the_bind_address(bind: str, hosts: list[str], choice: str, expected: bool) -> None:
    assert guests_admitted(bind, hosts, choice) is expected


async def _cookie(user: User, settings: Settings) -> tuple[bytes, bytes]:
    from asgiref.sync import sync_to_async

    return await sync_to_async(cookie)(user, settings)
