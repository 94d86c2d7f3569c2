"""The page that people talk on, and what it needs to know about the machine behind it."""

from urllib.parse import urlencode

import msgspec
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from conversations.engines import engines
from inference.errors import EngineUnavailable
from inference.types import HostStatus

SOCKET_PATH = "/ws/chat"
SMALL_CHAT_MODELS = ("smollm2-135m",)
"""Chat models that are often wrong; the page says so."""


class PageStatus(msgspec.Struct, frozen=True):
    """What the page shows of the engine host; without ``host`` it does not answer, and ``detail`` says why."""

    host: HostStatus | None = None
    small_chat_model: bool = False
    detail: str = ""


@never_cache
@require_safe
def chat(request: HttpRequest) -> HttpResponse:
    """The conversation. The scripts read addresses and the person from its ``page`` block."""
    page = {"socket": SOCKET_PATH, "status": reverse("conversations:status"), "signIn": _sign_in(request)}
    return render(request, "conversations/chat.html", {"page": page})


@never_cache
@require_safe
async def status(request: HttpRequest) -> HttpResponse:
    """`PageStatus` as JSON: 200 also while the host is starting or gone, since that is an answer to the page."""
    try:
        host = await engines().status()
    except EngineUnavailable as error:
        answer = PageStatus(detail=error.message)
    else:
        answer = PageStatus(host=host, small_chat_model=_is_small(host))
    return HttpResponse(msgspec.json.encode(answer), content_type="application/json")


def _is_small(host: HostStatus) -> bool:
    return any(e.kind == "chat" and e.model.lower().startswith(SMALL_CHAT_MODELS) for e in host.engines)


def _sign_in(request: HttpRequest) -> str:
    return f"{reverse('login')}?{urlencode({'next': request.path})}"
