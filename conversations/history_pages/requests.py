"""What a request asks for, and what it is told when that cannot be."""

import functools
from collections.abc import Callable
from datetime import date
from typing import Concatenate, ParamSpec
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect

from conversations.errors import ConversationNotFound, Refused
from conversations.listing import Filters
from conversations.services.access import Actor

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]
_LONGEST = 120


def actor_of(request: HttpRequest) -> Actor:
    """Who is signed in, or the guest; the doors have let nobody else in."""
    user = request.user
    assert user.is_authenticated
    return user


def owner_id_of(request: HttpRequest) -> str:
    return str(actor_of(request).pk)


def filters_of(query: QueryDict) -> Filters:
    """What makes no sense filters nothing."""
    return Filters(
        voice=query.get("voice", "")[:_LONGEST],
        language=query.get("language", "")[:_LONGEST],
        since=_day(query.get("since", "")),
        until=_day(query.get("until", "")),
    )


def whole(text: str) -> int:
    """A positive whole number, else 0."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0


def found_or_404(view: View[P]) -> View[P]:
    """Another's conversation is not found, like one that never was."""

    @functools.wraps(view)
    def wrapped(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except ConversationNotFound as error:
            raise Http404(str(error)) from error

    return wrapped


def told(view: View[[UUID]]) -> View[[UUID]]:
    """For changes: what was refused is told on the conversation's page."""

    @found_or_404
    @functools.wraps(view)
    def wrapped(request: HttpRequest, /, conversation_id: UUID) -> HttpResponse:
        try:
            return view(request, conversation_id)
        except Refused as error:
            messages.error(request, str(error))
            return redirect("conversations:conversation", conversation_id)

    return wrapped


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
