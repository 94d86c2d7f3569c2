"""The page that people talk on, and what it needs to know about the machine behind it."""

from urllib.parse import urlencode
from uuid import UUID

import msgspec
from asgiref.sync import sync_to_async
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
from voices import selectors

SOCKET_PATH = "/ws/chat"
_ANY = UUID(int=0)
"""Stands for a conversation in an address that a script fills in."""


class Offer(msgspec.Struct, frozen=True):
    """A model that is not on this machine and could be pulled."""

    kind: EngineKind
    model: str
    languages: tuple[str, ...]


class Profile(msgspec.Struct, frozen=True):
    """A voice of a person that may answer whoever asks. ``id``: what a session's ``voice`` is set to."""

    id: str
    name: str
    language: str
    own: bool


class PageStatus(msgspec.Struct, frozen=True):
    """What the page shows of the engine host; without ``host`` it does not answer."""

    host: HostStatus | None = None
    profiles: tuple[Profile, ...] = ()
    clones: bool = False
    """Something here speaks in the voices of people."""
    fine: bool = False
    """And something takes its time for it."""
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
        user = await request.auser()
        answer = await sync_to_async(_described)(host, str(user.pk))
    return HttpResponse(msgspec.json.encode(answer), content_type="application/json")


def _described(host: HostStatus, user_id: str) -> PageStatus:
    known = catalogue.entries()
    usable = selectors.usable_by(user_id)
    embedded = {entry.name for entry in known if entry.kind == "chat" and entry.embedded}
    return PageStatus(
        host=host,
        profiles=tuple(Profile(voice.id, voice.name, voice.language, voice.own) for voice in usable),
        clones=bool(host.cloning),
        fine="fine" in host.cloning,
        small_chat_model=any(engine.kind == "chat" and engine.model in embedded for engine in host.engines),
        offers=tuple(
            Offer(entry.kind, entry.name, entry.languages) for entry in known if not catalogue.is_installed(entry)
        ),
    )
