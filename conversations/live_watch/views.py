"""The moderator's pages of live sessions, under the admin."""

import secrets
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any, TypeVar

from django.conf import settings
from django.contrib import admin
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from conversations.errors import ConversationNotFound, NotAllowed, PersonNotFound, Refused, WrongState
from conversations.live_watch import acts, news
from conversations.live_watch.feed import LONGEST_S
from conversations.live_watch.feed import feed as watched_feed
from conversations.models import Session
from conversations.oversight import presence
from conversations.services.reasons import FlagReason, LiveReason

R = TypeVar("R", bound=HttpResponseBase)
_SALT = "live watch"


def for_watchers(view: Callable[..., R]) -> Callable[..., R]:
    """Staff with the permission to follow live sessions; others are told that it is not open to them."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> R:
        if not admin.site.has_permission(request) or not request.user.has_perm(f"conversations.{news.PERMISSION}"):
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return guarded


@never_cache
@require_safe
@for_watchers
def index(request: HttpRequest) -> HttpResponse:
    """The sessions that are live now; ``?part=rows`` is the table alone, which the page asks for again and again."""
    now = timezone.now()
    sessions = presence.live_sessions()
    rows = [(live, _clock(live.opened_at, now), _clock(live.last_turn_at, now)) for live in sessions]
    context = {"rows": rows, "scattered": presence.holders() > 1 and not settings.REDIS_URL}
    if request.GET.get("part") == "rows":
        return render(request, "admin/live/rows.html", context)
    return render(request, "admin/live/index.html", {**admin.site.each_context(request), **context})


@never_cache
@require_safe
@for_watchers
def watch(request: HttpRequest, session_id: str) -> HttpResponse:
    """One session's page: its words come over `feed`."""
    session = Session.objects.select_related("conversation__owner").filter(session_id=session_id).first()
    if session is None:
        raise Http404
    watch_id = signing.dumps([str(request.user.pk), session_id, secrets.token_hex(4)], salt=_SALT, compress=False)
    context = {
        "session": session,
        "conversation": session.conversation,
        "person": session.conversation.owner,
        "reasons": LiveReason.choices,
        "flag_reasons": FlagReason.choices,
        "may": acts.allowed(request.user, session.conversation.owner),
        "page": {"feed": f"feed?watch={watch_id}", "act": "act", "reasons": _labels()},
    }
    return render(request, "admin/live/watch.html", {**admin.site.each_context(request), **context})


@never_cache
@require_safe
@for_watchers
def feed(request: HttpRequest, session_id: str) -> HttpResponseBase:
    """Server-sent events. ``watch`` names the visit that the page began; without it nothing is shown."""
    watch_id = request.GET.get("watch", "")
    try:
        user_id, signed_session, _nonce = signing.loads(watch_id, salt=_SALT, max_age=int(LONGEST_S))
    except (signing.BadSignature, ValueError):
        raise PermissionDenied from None
    if (user_id, signed_session) != (str(request.user.pk), session_id):
        raise PermissionDenied
    try:
        watched = news.find(user_id, session_id, _nonce, request.session.session_key or "")
    except ConversationNotFound:
        raise Http404 from None
    except NotAllowed:
        raise PermissionDenied from None
    told = request.headers.get("Last-Event-ID", "")
    after = int(told) if told.isdecimal() and len(told) < 18 else None
    response = StreamingHttpResponse(watched_feed(watched, after), content_type="text/event-stream")
    response["X-Accel-Buffering"] = "no"
    return response


@never_cache
@require_POST
@for_watchers
def act(request: HttpRequest, session_id: str) -> HttpResponse:
    """Mutes, lets speak, ends, flags or blocks: 204, or what is wrong as JSON. Without scripts, back to the page."""
    try:
        acts.carry_out(session_id, request.user, acts.Wish.of(request.POST))
    except (ConversationNotFound, PersonNotFound) as error:
        return JsonResponse({"message": str(error)}, status=404)
    except Refused as error:
        status = 403 if isinstance(error, NotAllowed) else 409 if isinstance(error, WrongState) else 400
        return JsonResponse({"message": str(error)}, status=status)
    if "application/json" in request.headers.get("Accept", ""):
        return HttpResponse(status=204)
    return redirect("live:watch", session_id=session_id)


def _labels() -> dict[str, str]:
    """What the codes of reasons are called, in the reader's language."""
    return {code: str(label) for code, label in (*FlagReason.choices, *LiveReason.choices)}


def _clock(since: datetime | None, now: datetime) -> str:
    """A duration as ``m:ss`` or ``h:mm:ss``; empty when there is none."""
    if since is None:
        return ""
    seconds = max(0, int((now - since).total_seconds()))
    hours, minutes = seconds // 3600, seconds // 60 % 60
    return f"{hours}:{minutes:02}:{seconds % 60:02}" if hours else f"{minutes}:{seconds % 60:02}"
