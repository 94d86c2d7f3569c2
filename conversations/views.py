"""The page that people talk on, and what it needs to know about the machine behind it."""

import asyncio
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from conversations.engines import engines
from inference import catalogue
from inference.errors import EngineError
from inference.types import EngineKind, HostStatus

SOCKET_PATH = "/ws/chat"
_ANY = UUID(int=0)
"""Stands for a conversation in an address that a script fills in."""


class Offer(msgspec.Struct, frozen=True):
    """A model that is not on this machine and could be pulled."""

    kind: EngineKind
    model: str
    languages: tuple[str, ...]


class PageStatus(msgspec.Struct, frozen=True):
    """What the page shows of the engine host; without ``host`` it does not answer."""

    host: HostStatus | None = None
    small_chat_model: bool = False
    """The chat model is the embedded one: small, and often wrong."""
    offers: tuple[Offer, ...] = ()


@never_cache
@require_safe
def chat(request: HttpRequest) -> HttpResponse:
    """The conversation. The scripts read addresses from its ``page`` block."""
    sign_in = f"{reverse('login')}?{urlencode({'next': request.path})}"
    keep = {"standard": settings.KEEP_DEFAULT, "days": settings.KEEP_DAYS, "soundDays": settings.KEEP_SOUND_DAYS}
    page = {"socket": SOCKET_PATH, "status": reverse("conversations:status"), "signIn": sign_in, "keep": keep}
    page["lines"] = reverse("conversations:lines", args=[_ANY]).replace(str(_ANY), "ID")
    return render(request, "conversations/chat.html", {"page": page})


@never_cache
@require_safe
async def status(request: HttpRequest) -> HttpResponse:
    """`PageStatus` as JSON: 200 also while the host is starting or gone, since that is an answer to the page."""
    try:
        host = await engines().status()
    except EngineError:
        answer = PageStatus()
    else:
        answer = await asyncio.to_thread(_described, host)
    return HttpResponse(msgspec.json.encode(answer), content_type="application/json")


def _described(host: HostStatus) -> PageStatus:
    known = catalogue.entries()
    embedded = {entry.name for entry in known if entry.kind == "chat" and entry.embedded}
    return PageStatus(
        host=host,
        small_chat_model=any(engine.kind == "chat" and engine.model in embedded for engine in host.engines),
        offers=tuple(
            Offer(entry.kind, entry.name, entry.languages) for entry in known if not catalogue.is_installed(entry)
        ),
    )
