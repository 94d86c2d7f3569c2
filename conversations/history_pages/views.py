"""Reading: the list or what was found, one conversation, and its lines for the page that goes on with it."""

from urllib.parse import urlencode
from uuid import UUID

import msgspec
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from common.pages import actor_of, found_or_404
from conversations import search
from conversations.errors import ConversationNotFound, Invalid
from conversations.history_pages.days import by_day
from conversations.history_pages.requests import filters_of, owner_id_of, whole
from conversations.models import Conversation
from conversations.reading import listing
from conversations.reading.exchanges import read_exchanges, title_of
from conversations.reading.lines import earlier_lines
from conversations.reading.listing import Filters
from conversations.reading.reruns import reruns_of
from conversations.reading.voice_names import VoiceNames
from conversations.services import titles
from conversations.services.access import owned

TURNS = 200
"""Turns on one page."""
FORMS = ("txt", "vtt", "opus", "json")


@never_cache
@require_safe
def history(request: HttpRequest) -> HttpResponse:
    """The conversations, or with ``q`` those in which it was said."""
    owner_id, filters = owner_id_of(request), filters_of(request.GET)
    query = request.GET.get("q", "").strip()[:200]
    context = {
        "query": query,
        "filters": filters,
        "choices": listing.choices(owner_id),
        "voice_names": VoiceNames(owner_id),
        "erased": "erased" in request.GET,
    }
    if query:
        found = search.find(owner_id, query, filters, whole(request.GET.get("before", "")))
        older = str(found.older or "")
        context |= {"found": found, "first": "before" not in request.GET}
    else:
        page = _page(owner_id, filters, request.GET.get("before", ""))
        older = page.older
        context |= {"groups": by_day(page.rows), "first": "before" not in request.GET}
    context["older"] = f"?{urlencode(_asked(query, filters) | {'before': older})}" if older else ""
    return render(request, "conversations/history/list.html", context)


@never_cache
@require_safe
@found_or_404
def conversation(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """One conversation, turn by turn."""
    owned_one = standing(request, conversation_id)
    first = max(1, whole(request.GET.get("turn", "")))
    first = (first - 1) // TURNS * TURNS + 1
    exchanges = read_exchanges(owned_one, first, TURNS)
    opening = exchanges if first == 1 else read_exchanges(owned_one, 1, 3)
    later = first + TURNS
    context = {
        "conversation": owned_one,
        "row": listing.rows([owned_one])[0],
        "origin": _origin(request, owned_one),
        "title": title_of(owned_one, opening),
        "exchanges": exchanges,
        "forms": FORMS,
        "reruns": reruns_of(actor_of(request), owned_one),
        "voice_names": VoiceNames(owner_id_of(request)),
        "longest_title": titles.LONGEST,
        "earlier": max(1, first - TURNS) if first > 1 else 0,
        "later": later if later <= owned_one.turn_count else 0,
    }
    return render(request, "conversations/history/conversation.html", context)


@never_cache
@require_safe
@found_or_404
def lines(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """`conversations.reading.lines.Earlier` as JSON, for the page that goes on with the conversation."""
    told = earlier_lines(standing(request, conversation_id))
    return HttpResponse(msgspec.json.encode(told), content_type="application/json")


def standing(request: HttpRequest, conversation_id: UUID) -> Conversation:
    """The person's own conversation that was not erased. Raises `ConversationNotFound`."""
    found = owned(actor_of(request), conversation_id)
    if found.erased_at is not None:
        raise ConversationNotFound
    return found


def _origin(request: HttpRequest, conversation: Conversation) -> UUID | None:
    """The conversation that this one was forked from, if it can still be opened."""
    if conversation.forked_from is None:
        return None
    origin = listing.shown(owner_id_of(request)).filter(id=conversation.forked_from)
    return origin.values_list("id", flat=True).first()


def _page(owner_id: str, filters: Filters, cursor: str) -> listing.Page:
    try:
        return listing.page(owner_id, filters, cursor)
    except Invalid as error:
        raise BadRequest(str(error)) from error


def _asked(query: str, filters: Filters) -> dict[str, str]:
    asked = {"q": query, **{name: str(value or "") for name, value in msgspec.structs.asdict(filters).items()}}
    return {name: value for name, value in asked.items() if value}
