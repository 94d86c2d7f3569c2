"""Changing: a title, a fork, erasing. Forms in, services, and back to a page."""

from urllib.parse import urlencode
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from common.pages import actor_of
from conversations.history_pages.requests import line, told
from conversations.history_pages.views import standing
from conversations.models import Turn
from conversations.reading import listing
from conversations.services import erasure, forks, titles
from conversations.services.reasons import EraseReason


@require_POST
@told
def rename(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """``title``: the new one; empty gives the first words back."""
    standing(request, conversation_id)
    titles.rename(conversation_id, request.POST.get("title", ""), actor=actor_of(request))
    return redirect("conversations:conversation", conversation_id)


@require_POST
@told
def fork(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """``turn``: the id of the last turn to take along; empty takes all."""
    standing(request, conversation_id)
    forked = forks.fork(conversation_id, actor=actor_of(request), at_turn=line(request.POST, "turn"))
    return redirect(f"{reverse('conversations:chat')}?{urlencode({'conversation': forked})}")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@told
def erase(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """Asks, and with POST erases the whole conversation."""
    conversation = standing(request, conversation_id)
    if request.method == "POST":
        erasure.erase_conversation(conversation.id, actor=actor_of(request), reason=EraseReason.REQUEST.value)
        return redirect(f"{reverse('conversations:history')}?erased")
    row = listing.rows([conversation])[0]
    return render(request, "conversations/history/erase.html", {"conversation": conversation, "row": row})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@told
def erase_turn(request: HttpRequest, conversation_id: UUID, number: int) -> HttpResponse:
    """Asks, and with POST takes one turn's words and sound away."""
    conversation = standing(request, conversation_id)
    turn = Turn.objects.filter(conversation=conversation, number=number, redacted=False).first()
    if turn is None:
        raise Http404("There is no such turn.")
    if request.method == "POST":
        erasure.redact_turn(conversation.id, turn.turn_id, actor=actor_of(request), reason=EraseReason.REQUEST.value)
        return redirect(f"{reverse('conversations:conversation', args=[conversation.id])}#turn-{number}")
    row = listing.rows([conversation])[0]
    return render(request, "conversations/history/erase.html", {"conversation": conversation, "row": row, "turn": turn})
