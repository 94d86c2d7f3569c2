"""What a request asks for, and what it is told when that cannot be."""

import functools
from collections.abc import Callable
from datetime import date
from typing import Concatenate, ParamSpec

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect

from common.pages import actor_of, found_or_404
from conversations.errors import Refused
from conversations.log.errors import LogError
from conversations.reading.listing import Filters

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]
_LONGEST = 120
_YEARS = (1970, 9000)
"""Within these every day has a midnight in every time zone."""


def owner_id_of(request: HttpRequest) -> str:
    return str(actor_of(request).pk)


def filters_of(query: QueryDict) -> Filters:
    """What makes no sense filters nothing."""
    return Filters(
        voice=line(query, "voice"),
        language=line(query, "language"),
        since=_day(query.get("since", "")),
        until=_day(query.get("until", "")),
    )


def line(query: QueryDict, name: str) -> str:
    """A short text; without the character that PostgreSQL does not take."""
    return query.get(name, "").replace("\x00", "")[:_LONGEST]


def whole(text: str) -> int:
    """A positive whole number, else 0."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0


def told(view: View[P]) -> View[P]:
    """For changes: what was refused, or could not be written down, is told on the conversation's page."""

    @found_or_404
    @functools.wraps(view)
    def wrapped(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except (Refused, LogError) as error:
            messages.error(request, str(error))
            return redirect("conversations:conversation", kwargs["conversation_id"])

    return wrapped


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if _YEARS[0] <= day.year <= _YEARS[1] else None
