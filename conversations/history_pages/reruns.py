"""One's own conversation run again: asked for, followed while the server works on it, and both sides looked at."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from common.pages import actor_of, found_or_404
from conversations.errors import Invalid, Refused
from conversations.history_pages.requests import line, owner_id_of, told, whole
from conversations.history_pages.views import TURNS, standing
from conversations.log.errors import LogError
from conversations.models import Conversation, Keep
from conversations.reading import listing
from conversations.reading.reruns import rerun_of
from conversations.reading.voice_names import VoiceNames
from conversations.rerun.choices import choices_for
from conversations.rerun_tables import RerunJob
from conversations.services import reruns


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@told
def start(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """Asks with what, and with POST begins. ``turn``: the number from which on it is answered anew."""
    conversation = standing(request, conversation_id)
    refusal = ""
    if request.method == "POST":
        try:
            job = _started(request, conversation)
        except (Refused, LogError) as error:
            refusal = str(error)
        else:
            return redirect("conversations:rerun", conversation.id, job.id)
    asked = request.POST if request.method == "POST" else request.GET
    context = {
        "conversation": conversation,
        "row": listing.rows([conversation])[0],
        "asked": _asked(asked),
        "choices": choices_for(owner_id_of(request)),
        "with_sound": conversation.keep == Keep.SOUND,
        "longest": reruns.LONGEST_INSTRUCTIONS,
        "refusal": refusal,
    }
    return render(request, "conversations/history/rerun_start.html", context, status=400 if refusal else 200)


@never_cache
@require_safe
@found_or_404
def rerun(request: HttpRequest, conversation_id: UUID, job_id: UUID) -> HttpResponse:
    """How far it is, and once it is over what was said then and now."""
    return _shown(request, conversation_id, job_id, "conversations/history/rerun.html")


@never_cache
@require_safe
@found_or_404
def progress(request: HttpRequest, conversation_id: UUID, job_id: UUID) -> HttpResponse:
    """What changes of that page, for the page itself while it waits."""
    return _shown(request, conversation_id, job_id, "conversations/history/rerun_progress.html")


@require_POST
@told
def stop(request: HttpRequest, conversation_id: UUID, job_id: UUID) -> HttpResponse:
    """Ends it after the turn that it is at; one that is over stays as it is."""
    conversation = standing(request, conversation_id)
    rerun_of(actor_of(request), conversation, job_id, first=1, turns=0)
    reruns.stop(job_id, actor=actor_of(request))
    return redirect("conversations:rerun", conversation.id, job_id)


def _shown(request: HttpRequest, conversation_id: UUID, job_id: UUID, template: str) -> HttpResponse:
    conversation = standing(request, conversation_id)
    first = max(1, whole(request.GET.get("first", "")))
    context = {
        "conversation": conversation,
        "view": rerun_of(actor_of(request), conversation, job_id, first=first, turns=TURNS),
        "voice_names": VoiceNames(owner_id_of(request)),
        "earlier": max(1, first - TURNS) if first > 1 else 0,
    }
    return render(request, template, context)


def _started(request: HttpRequest, conversation: Conversation) -> RerunJob:
    asked = _asked(request.POST)
    turn = str(asked["turn"])
    if turn and not 1 <= whole(turn) <= conversation.turn_count:
        raise Invalid(
            _("There is no turn %(turn)s: this conversation has %(count)s."), turn=turn, count=conversation.turn_count
        )
    return reruns.start(
        conversation.id,
        actor=actor_of(request),
        from_turn=turn,
        llm=str(asked["llm"]),
        voice=str(asked["voice"]),
        instructions=str(asked["instructions"]),
        transcribe=bool(asked["transcribe"]),
    )


def _asked(query: QueryDict) -> dict[str, str | bool]:
    """What the form has or had in it."""
    return {
        "turn": line(query, "turn").strip(),
        "llm": line(query, "llm"),
        "voice": line(query, "voice"),
        "instructions": query.get("instructions", "").replace("\x00", "").replace("\r\n", "\n").strip(),
        "transcribe": "transcribe" in query,
    }
