"""Who is at the door: a signed-in person, a guest behind a cookie, or the holder of an API key.

Guests are admitted only where nobody but this machine can reach the server. That is decided by the address the server
is bound to, never by where a request seems to come from: behind a proxy every request comes from loopback.
"""

import hashlib
import hmac
import secrets

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest

from avatar_project import api_keys
from avatar_project.models import User


class Blocked(Exception):
    """Whoever this is may not come in: a moderator said so (`conversations.services.people`)."""


def new_guest() -> User:
    """A guest is a row of its own, so that what is said has an owner from the first word on."""
    return _create_guest(f"guest-{secrets.token_hex(8)}")


def guest_of_key(key: str) -> User:
    """The guest that an API key stands for where guests are admitted: the same key, the same guest."""
    digest = hmac.new(settings.SECRET_KEY.encode(), b"guest-key:" + key.encode(), hashlib.sha256).hexdigest()[:32]
    username = f"guest-key-{digest}"
    return User.objects.filter(username=username).first() or _create_guest(username)


def _create_guest(username: str) -> User:
    # Two first connections with one key may arrive at once: the second finds the first one's row.
    user, created = User.objects.get_or_create(username=username, defaults={"is_guest": True})
    if created:
        user.set_unusable_password()
        user.save(update_fields=["password"])
    return user


def user_of_session(session_key: str | None) -> User | None:
    """The active person of a session cookie, checked as Django's own middleware does (password hash included)."""
    if not session_key:
        return None
    request = HttpRequest()
    request.session = SessionStore(session_key)
    keys = (SESSION_KEY, BACKEND_SESSION_KEY, HASH_SESSION_KEY)
    if not all(key in request.session for key in keys):
        return None
    user = get_user(request)
    return user if isinstance(user, User) and user.is_active else None


def is_of_blocked(session: SessionBase) -> bool:
    """Whether a browser's session belongs to somebody who may not come in any more: no guest in their place either."""
    user_id = session.get(SESSION_KEY)
    return user_id is not None and User.objects.filter(pk=user_id, is_active=False).exists()


def user_at_the_door(*, session_key: str | None, api_key: str | None, guests: bool) -> User | None:
    """The owner of what a connection will say, or None when it may not come in.

    A session outranks a key: the page's socket carries its cookie. One of our own keys must be valid and have the scope
    ``realtime``; any other string is a guest's, where guests are admitted. Raises `Blocked`.
    """
    if user := user_of_session(session_key):
        return user
    if session_key and is_of_blocked(SessionStore(session_key)):
        raise Blocked
    if api_key and api_keys.looks_like_ours(api_key):
        key = api_keys.find(api_key)
        return key.owner if key is not None and "realtime" in key.scopes else None
    if not guests:
        return None
    user = guest_of_key(api_key) if api_key else new_guest()
    if not user.is_active:
        raise Blocked
    return user
