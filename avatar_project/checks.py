"""System checks of the installation as a whole."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004  (Django's own name)
from django.db import DatabaseError
from redis import Redis
from redis.exceptions import RedisError

from avatar_project.bind import is_loopback
from conversations.oversight import presence


@register(Tags.security)
def keys_are_there(app_configs: Sequence[Any] | None, **kwargs: object) -> list[CheckMessage]:
    if settings.SECRET_KEY:
        return []
    return [
        Error(
            "AVATAR_SECRET_KEY is not set.",
            hint="`make run` writes fresh keys into .env; or set it to 50 or more random characters.",
            id="avatar.E001",
        )
    ]


@register(Tags.security, deploy=True)
def guests_at_a_deployment(app_configs: Sequence[Any] | None, **kwargs: object) -> list[CheckMessage]:
    if not settings.GUESTS_ADMITTED:
        return []
    return [
        Warning(
            "Guests may talk without signing in, and at the sockets any string is taken as a guest's key.",
            hint="Right on your own machine. Behind a proxy, everybody whom the proxy lets in is a guest: "
            "set AVATAR_GUESTS=off, or name the public host in AVATAR_ALLOWED_HOSTS.",
            id="avatar.W001",
        )
    ]


@register(Tags.security, deploy=True)
def microphones_need_https(app_configs: Sequence[Any] | None, **kwargs: object) -> list[CheckMessage]:
    if settings.HTTPS or all(is_loopback(host) for host in settings.ALLOWED_HOSTS):
        return []
    return [
        Warning(
            "AVATAR_HTTPS is off although the server has a public name.",
            hint="Browsers give a page the microphone only over HTTPS. Put a TLS proxy in front, set AVATAR_HTTPS=on.",
            id="avatar.W002",
        )
    ]


@register("live", deploy=True)
def redis_answers(app_configs: Sequence[Any] | None, **kwargs: object) -> list[CheckMessage]:
    if not settings.REDIS_URL:
        return []
    try:
        with Redis.from_url(settings.REDIS_URL, socket_connect_timeout=2, socket_timeout=2) as redis:
            redis.ping()
    except (RedisError, OSError) as error:
        return [
            Warning(
                f"The Redis of AVATAR_REDIS_URL does not answer ({type(error).__name__}).",
                hint="Without it conversations go on; what moderators do takes up to two seconds to arrive, and the "
                "brake on guessing passwords fails open. Start it, or mend the address.",
                id="avatar.W003",
            )
        ]
    return []


@register(Tags.database)
def processes_are_connected(app_configs: Sequence[Any] | None, **kwargs: object) -> list[CheckMessage]:
    """Asked of the database: `manage.py check --database default`, and before every migration."""
    try:
        scattered = not settings.REDIS_URL and presence.holders() > 1
    except DatabaseError:  # Not made yet.
        return []
    if not scattered:
        return []
    return [
        Warning(
            "Several web processes hold live sessions, and no Redis connects them.",
            hint="Everything works; mute, end and live watch take up to two seconds between processes, and limits "
            "count in each for itself. Set AVATAR_REDIS_URL.",
            id="avatar.W004",
        )
    ]
