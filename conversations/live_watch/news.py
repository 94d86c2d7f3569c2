"""What a watcher is told next. Whether they may see it is asked anew at every reading. Blocking."""

from uuid import UUID

import msgspec
from django.contrib.auth import get_user, get_user_model
from django.contrib.sessions.backends.db import SessionStore
from django.utils.translation import gettext_lazy as _

from conversations.errors import NotAllowed, SessionNotFound
from conversations.events import RecordingHeard, SessionClosed
from conversations.live_watch.lines import Line, lines
from conversations.log import store
from conversations.log.types import RecordedEvent
from conversations.models import Conversation, Session
from conversations.oversight.orders import opened_at
from conversations.services.access import record, require
from conversations.streams import stream_of

PERMISSION = "watch_session"
SHOWN = 500
"""Facts of the past that a page begins with."""
LIVE = "live"
"""The reason that stands in the record when words were read as they were spoken."""


class State(msgspec.Struct, frozen=True):
    """The session as its row says."""

    muted: bool
    keep: str
    turns: int
    errors: int
    flags: int
    closed: str
    """Why it ended; empty while it is live."""


class News(msgspec.Struct, frozen=True):
    """The lines after what was told before, up to ``reached``, a sequence of the conversation."""

    state: State
    lines: tuple[Line, ...]
    reached: int


class Watched(msgspec.Struct, frozen=True):
    """Who watches what. ``watch`` names this one visit: it is recorded once, however often the connection breaks."""

    user_id: str
    session_id: str
    conversation_id: UUID
    watch: str
    sign_in: str = ""
    """Key of the browser's session: signed out, nothing more is shown."""


def find(user_id: str, session_id: str, watch: str, sign_in: str) -> Watched:
    """Raises `NotAllowed`, `SessionNotFound`."""
    _require(user_id, sign_in)
    session = Session.objects.filter(session_id=session_id).first()
    if session is None:
        raise SessionNotFound
    return Watched(user_id, session_id, session.conversation_id, watch, sign_in)


def begin(watched: Watched) -> int:
    """Records that somebody reads along, and returns the sequence to read from. Raises `NotAllowed`."""
    user = _require(watched.user_id, watched.sign_in)
    owner_id = Conversation.objects.values_list("owner_id", flat=True).get(id=watched.conversation_id)
    if user.pk != owner_id:
        fact = RecordingHeard(what="words", reason=LIVE)
        record(watched.conversation_id, fact, actor=user, idempotency_key=f"watch:{watched.watch}")
    stream = stream_of(str(watched.conversation_id))
    return max(opened_at(stream, watched.session_id) - 1, store.last_sequence(stream) - SHOWN, 0)


def news(watched: Watched, after: int) -> News:
    """Raises `NotAllowed` as soon as the permission or the sign-in is gone, and `SessionNotFound`."""
    _require(watched.user_id, watched.sign_in)
    session = Session.objects.select_related("conversation").filter(session_id=watched.session_id).first()
    if session is None:
        raise SessionNotFound
    conversation = session.conversation
    state = State(
        muted=session.muted,
        keep=conversation.keep,
        turns=conversation.turn_count,
        errors=conversation.error_count,
        flags=conversation.open_flags,
        closed=session.close_reason or ("closed" if session.closed_at is not None else ""),
    )
    if conversation.sequence <= after:
        return News(state, (), after)
    events = store.read_stream(stream_of(str(conversation.id)), after, SHOWN)
    if session.closed_at is not None:
        events = _up_to_its_end(events, session)
    told = tuple(line for event in events for line in lines(event))
    return News(state, told, events[-1].sequence if events else after)


def has_ended(watched: Watched) -> bool:
    """Whether there is nothing to follow any more: what was said before is read in the admin."""
    return Session.objects.filter(session_id=watched.session_id, closed_at__isnull=False).exists()


def _up_to_its_end(events: list[RecordedEvent], session: Session) -> list[RecordedEvent]:
    """What was said after the session ended, in another one, is none of its words."""
    assert session.closed_at is not None
    for place, event in enumerate(events):
        if event.type == SessionClosed.type and event.payload["session_id"] == session.session_id:
            return events[: place + 1]
    return [event for event in events if event.recorded_at <= session.closed_at]


class _Visit:
    """What `get_user` needs of a request."""

    def __init__(self, key: str) -> None:
        self.session = SessionStore(key)


def _require(user_id: str, sign_in: str):  # type: ignore[no-untyped-def]  # the user model is the project's
    if str(get_user(_Visit(sign_in)).pk) != user_id:  # type: ignore[arg-type]  # it reads the session alone
        raise NotAllowed(_("You have signed out."))
    user = get_user_model()._default_manager.filter(pk=user_id, is_active=True, is_staff=True).first()
    if user is None:
        raise NotAllowed(_("You are not signed in as one of the staff any more."))
    require(user, PERMISSION)
    return user
