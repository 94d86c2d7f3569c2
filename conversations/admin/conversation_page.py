"""What the page of one conversation shows. Its words are only read when they are open (`opened`)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext

from conversations import selectors
from conversations.admin import deeds, opened, trails
from conversations.admin.labels import FLAG_STATUS, flag_reason, inspect_reasons
from conversations.admin.links import Button, button, person_button, turn_anchor
from conversations.admin.people_deeds import BLOCK
from conversations.admin.trails import TrailRow
from conversations.admin.turn_rows import SoundView, TurnRow, turn_rows, whole_sound
from conversations.admin.voice_names import name_voices, voice_name
from conversations.events import FlagDecided, FlagRaised
from conversations.log.models import Event
from conversations.models import Conversation, Flag, FlagStatus, Session, Turn, Verification
from conversations.oversight.trail import TrailEntry
from conversations.streams import stream_of
from voices.selectors import borrowed_in

TURNS_A_PAGE = 50
SHOWN = 100
"""Flags, sessions and events, the latest of each."""


@dataclass(frozen=True, slots=True)
class FlagRow:
    """A flag; ``notes`` are what was written when it was raised and decided."""

    flag: Flag
    status: str
    reason: str
    raised_by: str
    decided_by: str
    notes: tuple[str, ...]
    turn: Turn | None
    anchor: str
    buttons: tuple[Button, ...]


@dataclass(frozen=True, slots=True)
class SessionRow:
    """``voice`` is what it is called; ``watch_url`` is empty when it has ended, or when to follow it is not allowed."""

    session: Session
    voice: str
    buttons: tuple[Button, ...]
    watch_url: str


@dataclass(frozen=True, slots=True)
class ConversationPage:
    """``pages`` are the numbers of the pages of turns, ``page`` the one that is shown."""

    conversation: Conversation
    buttons: tuple[Button, ...]
    links: tuple[Button, ...]
    flags: tuple[FlagRow, ...]
    turns: tuple[TurnRow, ...]
    whole: SoundView | None
    page: int
    pages: range
    sessions: tuple[SessionRow, ...]
    trail: tuple[TrailRow, ...]
    events: tuple[Event, ...]
    events_url: str
    verdict: Verification | None
    words_open: bool
    may_read: bool
    may_listen: bool
    inspect_reasons: Sequence[tuple[str, str]]
    inspect_reason: str


def build(request: HttpRequest, conversation: Conversation) -> ConversationPage:
    """In a fixed number of queries, however long the conversation is."""
    pages = range(1, max(-(-conversation.turn_count // TURNS_A_PAGE), 1) + 1)
    page = _page_number(request, pages)
    first = (page - 1) * TURNS_A_PAGE
    flags, sessions = _flags(request, conversation), _sessions(request, conversation)
    turns = list(Turn.objects.filter(conversation=conversation, number__gt=first).order_by("number")[:TURNS_A_PAGE])
    flagged = {turn.turn_id: turn for turn in turns}
    stream = stream_of(str(conversation.id))
    acts = trails.entries(request, stream)
    names = trails.names_of(
        [act.actor for act in acts] + [flag.raised_by for flag in flags] + [flag.decided_by for flag in flags]
    )
    words_open = opened.words_are_open(request, conversation.id)
    said = selectors.read_turns(conversation.id, turns) if words_open else None
    shown = Event.objects.filter(stream=stream).defer("payload").order_by("-sequence")[:SHOWN]
    return ConversationPage(
        conversation=conversation,
        buttons=_buttons(request, conversation),
        links=_links(request, conversation),
        flags=tuple(_flag_row(request, flag, flagged.get(flag.turn_id), acts, names) for flag in flags),
        turns=turn_rows(request, conversation, turns, said),
        whole=whole_sound(request, conversation),
        page=page,
        pages=pages,
        sessions=tuple(_session_row(request, session) for session in sessions),
        trail=trails.rows(acts, names),
        events=tuple(shown) if request.user.has_perm("log.view_event") else (),
        events_url=f"{reverse('admin:log_event_changelist')}?stream={stream}",
        verdict=Verification.objects.filter(stream=stream).order_by("-at").first(),
        words_open=words_open,
        may_read=request.user.has_perm("conversations.read_words"),
        may_listen=request.user.has_perm("conversations.listen_recording"),
        inspect_reason=opened.last_reason(request),
        inspect_reasons=inspect_reasons(),
    )


def _flags(request: HttpRequest, conversation: Conversation) -> list[Flag]:
    if not request.user.has_perm("conversations.view_flag"):
        return []
    return list(Flag.objects.filter(conversation=conversation).order_by("-raised_at")[:SHOWN])


def _sessions(request: HttpRequest, conversation: Conversation) -> list[Session]:
    if not request.user.has_perm("conversations.view_session"):
        return []
    found = list(Session.objects.filter(conversation=conversation).order_by("-opened_at")[:SHOWN])
    name_voices(request, found)
    return found


def _page_number(request: HttpRequest, pages: range) -> int:
    asked = request.GET.get("turns", "1")
    return min(max(int(asked), 1), pages[-1]) if asked.isdecimal() and len(asked) < 10 else 1


def _buttons(request: HttpRequest, conversation: Conversation) -> tuple[Button, ...]:
    if conversation.erased_at is not None:
        return ()
    offered = [deeds.FLAG, deeds.UNHIDE if conversation.hidden else deeds.HIDE, deeds.ERASE]
    buttons = [button(conversation.id, deed) for deed in offered if deed.allowed(request)]
    owner = conversation.owner
    if owner.is_active and not owner.is_staff and BLOCK.allowed(request):
        buttons.insert(-1, Button(gettext("Block the person"), person_button(owner.pk, BLOCK).url, final=False))
    return tuple(buttons)


def _links(request: HttpRequest, conversation: Conversation) -> tuple[Button, ...]:
    """Other pages about it."""
    links = []
    if conversation.erased_at is None and opened.words_are_open(request, conversation.id):
        url = reverse("admin:conversations_conversation_replay", args=[conversation.id])
        links.append(Button(gettext("Replay"), url, final=False))
    if conversation.erased_at is None and request.user.has_perm("conversations.rerun_conversation"):
        url = reverse("admin:conversations_rerunjob_start")
        links.append(Button(gettext("Run again"), f"{url}?conversation={conversation.id}", final=False))
    if request.user.has_perm("voices.view_voice"):
        for voice_id, name in borrowed_in(conversation.id):
            url = reverse("admin:voices_voice_change", args=[voice_id])
            links.append(Button(gettext("Voice: %(name)s") % {"name": name}, url, final=False))
    return tuple(links)


def _flag_row(
    request: HttpRequest, flag: Flag, turn: Turn | None, acts: Sequence[TrailEntry], names: Mapping[str, str]
) -> FlagRow:
    about = (act for act in acts if isinstance(act.fact, FlagRaised | FlagDecided) and act.fact.flag_id == flag.flag_id)
    offered = (deeds.DISMISS, deeds.UPHOLD) if flag.status == FlagStatus.OPEN else ()
    return FlagRow(
        flag=flag,
        status=str(FLAG_STATUS[FlagStatus(flag.status)]),
        reason=flag_reason(flag.reason),
        raised_by=flag.rule or trails.name_of(flag.raised_by, names),
        decided_by=trails.name_of(flag.decided_by, names) if flag.decided_by else "",
        notes=tuple(act.note for act in about if act.note),
        turn=turn,
        anchor=turn_anchor(flag.turn_id) if flag.turn_id else "",
        buttons=tuple(button(flag.conversation_id, deed, flag.flag_id) for deed in offered if deed.allowed(request)),
    )


def _session_row(request: HttpRequest, session: Session) -> SessionRow:
    offered = () if session.closed_at else (deeds.UNMUTE if session.muted else deeds.MUTE, deeds.CUT)
    shown = tuple(
        button(session.conversation_id, deed, session.session_id) for deed in offered if deed.allowed(request)
    )
    watched = session.closed_at is None and request.user.has_perm("conversations.watch_session")
    watch_url = reverse("live:watch", args=[session.session_id]) if watched else ""
    return SessionRow(session, voice_name(session), shown, watch_url)
