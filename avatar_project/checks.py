"""System checks of the installation as a whole."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004  (Django's own name)

from avatar_project.bind import is_loopback


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
            "Guests may talk without signing in, and any API key is taken as a guest's.",
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
