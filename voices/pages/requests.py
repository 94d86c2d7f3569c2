"""What a request asks for, and what it is told when that cannot be."""

import functools
from collections.abc import Callable
from typing import Concatenate, ParamSpec
from uuid import UUID

import structlog
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext

from common.pages import actor_of, found_or_404
from conversations.log.errors import LogError
from inference.errors import EngineError
from voices.errors import Invalid, Refused
from voices.pages.throttle import Kind, count
from voices.services.samples import LARGEST_BYTES

log = structlog.get_logger(__name__)
P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def line(request: HttpRequest, name: str) -> str:
    """A text of the form; without the character that PostgreSQL does not take."""
    return request.POST.get(name, "").replace("\x00", "")


def recording_of(request: HttpRequest) -> bytes:
    """The file that was recorded or chosen; its name is not looked at. Raises `Invalid`, `TooMany`."""
    count(actor_of(request), "heavy")
    sent = request.FILES.get("recording")
    if sent is None:
        raise Invalid(gettext("No recording arrived: record one or choose a file of at most 10 MB."), code="too_large")
    if (sent.size or 0) > LARGEST_BYTES:
        raise Invalid(gettext("The recording is too large: at most 10 MB."), code="too_large")
    data: bytes = sent.read()
    return data


def told(step: str, counted: Kind | None = None) -> Callable[[View[P]], View[P]]:
    """For changes: what was refused, or could not be done, is told on the voice's page, at the step it was about.

    ``counted`` bounds how often; what ends something is done at any moment, so it is not counted.
    """

    def wrap(view: View[P]) -> View[P]:
        @found_or_404
        @functools.wraps(view)
        def wrapped(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            try:
                if counted is not None:
                    count(actor_of(request), counted)
                return view(request, *args, **kwargs)
            except (Refused, LogError, EngineError) as error:
                messages.error(request, said_of(error), extra_tags=step)
                return to_voice(str(kwargs["voice_id"]), step)

        return wrapped

    return wrap


def said_of(error: Exception) -> str:
    """A refusal's own words; of what is away, only what to do: its own words are the log's."""
    if isinstance(error, Refused):
        return str(error)
    log.warning("voice_page_failed", error=type(error).__name__, code=getattr(error, "code", ""))
    if isinstance(error, EngineError):
        return gettext("The part of AVATAR that listens does not answer at the moment. Try again in a while.")
    return gettext("It could not be written down at the moment, so nothing was changed. Try again in a while.")


def to_voice(voice_id: UUID | str, step: str = "top") -> HttpResponse:
    """To the voice's page, at a step of it; ``top`` is above all of them."""
    anchor = "" if step == "top" else f"#{step}"
    return redirect(f"{reverse('voices:profile', args=[voice_id])}{anchor}")
