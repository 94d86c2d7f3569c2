"""What can be done from a conversation's page: plain views, since the admin's own are inside a transaction."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from common.pages import actor_of
from conversations.admin import opened
from conversations.admin.confirm import Target, confirm
from conversations.admin.deed import Subject
from conversations.admin.deeds import ABOUT_CONVERSATIONS, ABOUT_FLAGS, ABOUT_SESSIONS, ABOUT_TURNS, BY_NAME
from conversations.admin.links import conversation_url, turn_anchor
from conversations.admin.readonly import short
from conversations.admin.staff_access import StaffAccess
from conversations.errors import NotAllowed, Refused
from conversations.log.errors import LogError
from conversations.models import Conversation, Flag, Session, Turn
from conversations.proof.verifying import verify_and_note
from conversations.replay.urls import routes

_PREFIX = "conversations_conversation_"
_access = StaffAccess()


def urls(model_admin: "admin.ModelAdmin[Any]") -> list[URLPattern]:
    """Beside the admin's own, and before them: `change/` would take every path."""

    def view(route: str, name: str, found: Callable[..., HttpResponse]) -> URLPattern:
        return path(f"<uuid:conversation_id>/{route}", model_admin.admin_site.admin_view(found), name=_PREFIX + name)

    return [
        view("do/<slug:name>/", "do", do),
        view("words/", "words", open_words),
        view("close/", "close", close),
        view("listen/", "listen_whole", listen_whole),
        view("listen/<str:audio_id>/", "listen", listen),
        view("verify/", "verify", verify),
        *routes(_access, "admin", prefix=_PREFIX, back=f"admin:{_PREFIX}change"),
    ]


def do(request: HttpRequest, conversation_id: UUID, name: str) -> HttpResponse:
    """A deed on the conversation, or on what ``?of=`` names in it: asks, and does it once confirmed."""
    conversation = _visible(request, conversation_id)
    deed = BY_NAME.get(name)
    part = request.GET.get("of", "")
    if deed is None:
        raise Http404
    about = f"{short(conversation.id)} · {conversation.owner.get_username()}"
    back = conversation_url(conversation.id)
    if not part:
        if deed not in ABOUT_CONVERSATIONS:
            raise Http404
    elif deed in ABOUT_TURNS and (turn := _find(Turn, conversation, turn_id=part)):
        about, back = f"{about} · {gettext('turn')} {turn.number}", conversation_url(conversation.id, turn_anchor(part))
    elif deed in ABOUT_FLAGS and _find(Flag, conversation, flag_id=part):
        back = conversation_url(conversation.id, f"flag-{part}")
    elif deed in ABOUT_SESSIONS and _find(Session, conversation, session_id=part):
        back = conversation_url(conversation.id, "sessions")
    else:
        raise Http404
    return confirm(request, deed, [Target(Subject(str(conversation.id), part), about)], back=back)


@require_POST
def open_words(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """Shows what was said, for a while; the record says so first."""
    conversation = _visible(request, conversation_id)
    _tried(request, lambda: opened.open_words(request, actor_of(request), conversation, request.POST.get("reason", "")))
    return HttpResponseRedirect(conversation_url(conversation.id, "turns"))


@require_POST
def close(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """Closes words and sounds again."""
    conversation = _visible(request, conversation_id)
    opened.close(request, conversation.id)
    return HttpResponseRedirect(conversation_url(conversation.id, "turns"))


@require_POST
def listen(request: HttpRequest, conversation_id: UUID, audio_id: str) -> HttpResponse:
    """Opens one sound for a while; the record says so first."""
    conversation = _visible(request, conversation_id)
    turns = Turn.objects.filter(conversation=conversation)
    turn = (turns.filter(user_audio_id=audio_id) | turns.filter(reply_audio_id=audio_id)).first()
    if turn is None or not audio_id:
        raise Http404
    reason = request.POST.get("reason", "")
    _tried(request, lambda: opened.open_sound(request, actor_of(request), conversation, turn.turn_id, audio_id, reason))
    return HttpResponseRedirect(conversation_url(conversation.id, turn_anchor(turn.turn_id)))


@require_POST
def listen_whole(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """Opens the conversation's sound as it was heard, both voices, for a while; the record says so first."""
    conversation = _visible(request, conversation_id)
    if conversation.erased_at is not None:
        raise Http404
    actor, reason = actor_of(request), request.POST.get("reason", "")
    _tried(request, lambda: opened.open_sound(request, actor, conversation, "", opened.WHOLE, reason))
    return HttpResponseRedirect(conversation_url(conversation.id, "turns"))


@require_POST
def verify(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """Proves the conversation's chain, and says what came of it."""
    conversation = _visible(request, conversation_id)
    if not request.user.has_perm("conversations.verify_record"):
        raise PermissionDenied
    verdict = verify_and_note(conversation.id, actor=actor_of(request))
    if verdict.breaks:
        found = verdict.breaks[0]
        said = gettext("The chain is broken at event %(sequence)s (position %(position)s): %(what)s")
        messages.error(request, said % {"sequence": found.sequence, "position": found.position, "what": found.what})
    else:
        messages.success(request, gettext("The chain holds: %(events)s events.") % {"events": verdict.events})
    return HttpResponseRedirect(conversation_url(conversation.id, "chain"))


def _visible(request: HttpRequest, conversation_id: UUID) -> Conversation:
    """Whoever may do something to a conversation may see that it is there."""
    if not request.user.has_perm("conversations.view_conversation"):
        raise PermissionDenied
    return get_object_or_404(Conversation.objects.select_related("owner"), id=conversation_id)


def _find(model: Any, conversation: Conversation, **named: str) -> Any:
    return model.objects.filter(conversation=conversation, **named).first()


def _tried(request: HttpRequest, work: Callable[[], None]) -> None:
    """A lack of permission is a 403; any other refusal is said on the page."""
    try:
        work()
    except NotAllowed as refusal:
        raise PermissionDenied from refusal
    except (Refused, LogError) as error:
        messages.error(request, str(error))
